"""Makes commitment.json: commitment and bind from their formulas (docs/formats/record.md), with Python's standard library alone.

Usage: python3 make-commitment.py > commitment.json
"""
import hashlib
import hmac
import json
import sys


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, 32 bytes: one round of expand."""
    prk = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def tlv(tag: int, contents: bytes) -> bytes:
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + contents


def integer(value: int, tag: int = 0x02) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def text(value: str) -> bytes:
    return tlv(0x0C, value.encode())


def answer(comment, key_input, record_id, algorithm, bits, not_after, attributes, signer_spki):
    commitment = hkdf(key_input, record_id, b"keycask commitment v1")
    metadata = tlv(
        0x30,
        integer(1)
        + tlv(0x04, record_id)
        + integer(3)
        + text("reports")
        + text("files")
        + integer(algorithm)
        + integer(bits)
        + tlv(0x18, b"20260921141320Z")
        + (tlv(0x80, not_after) if not_after else b"")
        + tlv(0x04, bytes(range(0x20, 0x30)))
        + integer(1, 0x0A)
        + tlv(0x30, b"".join(tlv(0x30, text(n) + text(v)) for n, v in attributes))
        + tlv(0x81, commitment),
    )
    bind_key = hkdf(key_input, record_id, b"keycask bind v1")
    bind = hmac.new(bind_key, metadata + hashlib.sha256(signer_spki).digest(), hashlib.sha256).digest()
    return {
        "comment": comment,
        "keyInput": key_input.hex(),
        "recordId": record_id.hex(),
        "algorithm": algorithm,
        "effectiveBits": bits,
        "notAfter": not_after.decode() if not_after else None,
        "attributes": attributes,
        "signerSpki": signer_spki.hex(),
        "metadataWithoutBind": metadata.hex(),
        "commitment": commitment.hex(),
        "bind": bind.hex(),
    }


RECORD_ID = bytes(range(0x10, 0x20))
SPKI = bytes(range(91))
AES = bytes(range(0x40, 0x60))
RC4 = bytes.fromhex("a1a2a3a4a5")
CONTENT_KEY = bytes(range(0x60, 0x80))

json.dump(
    {
        "source": "docs/formats/record.md",
        "howMade": "python3 test/vectors/make-commitment.py > test/vectors/commitment.json",
        "tests": [
            answer("AES-256 key", AES, RECORD_ID, 0x6610, 256, None, [], SPKI),
            answer("last day of use and attributes", AES, RECORD_ID, 0x6610, 256, b"20310101000000Z", [["owner", "\u03a9"], ["case", ""]], SPKI),
            answer("another record id", AES, bytes(16), 0x6610, 256, None, [], SPKI),
            answer("another signer", AES, RECORD_ID, 0x6610, 256, None, [], SPKI[::-1]),
            answer("40-bit RC4 key behind its content-encryption key", CONTENT_KEY + RC4, RECORD_ID, 0x6801, 40, None, [], SPKI),
        ],
    },
    sys.stdout,
    indent=2,
)
sys.stdout.write("\n")
