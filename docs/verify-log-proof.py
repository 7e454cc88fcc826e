#!/usr/bin/env python3
"""Checks proofs of a keycask log without keycask: Python's standard library, and openssl for the checkpoints' signatures.

    openssl cms -verify -binary -inform DER -in CHECKPOINT -nointern -certfile signer.pem -noverify -out CONTENT
    verify-log-proof.py inclusion CONTENT PROOF LEAF
    verify-log-proof.py consistency OLDER-CONTENT CONTENT PROOF

CONTENT is what openssl found signed; PROOF and LEAF are files. Prints `ok` and exits with 0, or exits with 1. docs/formats/signed-log.md
describes every byte.
"""
import hashlib
import sys


def values(der):
    """The values of a SEQUENCE in order: numbers, byte strings, lists."""
    def read(at):
        tag, length, start = der[at], der[at + 1], at + 2
        if length >= 0x80:
            count = length & 0x7F
            length = int.from_bytes(der[start : start + count], "big")
            start += count
        end = start + length
        if end > len(der):
            sys.exit("cut short")
        if tag == 0x30:
            members = []
            while start < end:
                member, start = read(start)
                members.append(member)
            return members, end
        contents = der[start:end]
        return (int.from_bytes(contents, "big") if tag in (0x02, 0x0A) else contents), end

    value, end = read(0)
    if end != len(der):
        sys.exit("trailing bytes")
    return value


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def inclusion(root, index, size, hashes, node):
    """RFC 9162 section 2.1.3.2."""
    place, last = index, size - 1
    for sibling in hashes:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    return index < size and last == 0 and node == root


def consistency(older, newer, hashes):
    """RFC 9162 section 2.1.4.2; older and newer are (size, root)."""
    if older[0] == newer[0] or older[0] == 0:
        return not hashes and (older[0] == 0 or older == newer)
    path = list(hashes)
    if older[0] & (older[0] - 1) == 0:
        path.insert(0, older[1])
    if not path or older[0] > newer[0]:
        return False
    place, last = older[0] - 1, newer[0] - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and first == older[1] and second == newer[1]


def main(kind, *paths):
    files = [open(path, "rb").read() for path in paths]
    if kind == "inclusion":
        (_, _, size, root), (version, tag, index, of, hashes) = map(values, files[:2])
        return (version, tag, of) == (1, 1, size) and inclusion(root, index, size, hashes, leaf_hash(files[2]))
    (_, log, *older), (_, other, *newer), (version, tag, first, second, hashes) = map(values, files)
    sizes = (version, tag, first, second) == (1, 2, older[0], newer[0])
    return log == other and sizes and consistency(older, newer, hashes)


if __name__ == "__main__":
    if not main(*sys.argv[1:]):
        sys.exit("the proof does not hold")
    print("ok")
