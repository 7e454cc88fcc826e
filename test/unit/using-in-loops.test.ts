/**
 * A `using` in a loop that catches what its block throws: esbuild, which builds dist/, keeps the error in a `var` of the function and throws it
 * again at the end of every later round. Vitest's own transformation does not, so that no other test here would see it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const USING: readonly number[] = [ts.NodeFlags.Using, ts.NodeFlags.AwaitUsing];

describe('what is built', () => {
  it('has no loop that catches, in itself, what the block of a `using` throws', () => {
    const files = ['lib', 'native-bindings'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(folder, name)),
    );
    expect(files.length).toBeGreaterThan(100);
    const found = files.flatMap((path) => caughtInLoops(path));
    expect(found, 'move the block with the `using` to a function of its own').toEqual([]);
  });

  it('would be told of one', () => {
    const text = 'for (const x of y) { try { using z = open(x); } catch {} }';
    expect(caughtInLoops('made.ts', text)).toEqual(['made.ts:1']);
    expect(caughtInLoops('made.ts', 'for (const x of y) { using z = open(x); }')).toEqual([]);
  });
});

function caughtInLoops(path: string, text = readFileSync(path, 'utf8')): string[] {
  if (!text.includes('using ')) return [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (isUsing(node) && isCaughtInLoop(node))
      found.push(`${path}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isUsing(node: ts.Node): boolean {
  return (
    ts.isVariableDeclarationList(node) && USING.includes(node.flags & ts.NodeFlags.BlockScoped)
  );
}

/** Whether a try with a catch stands between it and the loop around it, in the same function. */
function isCaughtInLoop(node: ts.Node): boolean {
  let isCaught = false;
  for (let child = node; child.parent && !ts.isFunctionLike(child); child = child.parent) {
    const { parent } = child;
    if (ts.isTryStatement(parent) && parent.tryBlock === child && parent.catchClause)
      isCaught = true;
    if (isCaught && ts.isIterationStatement(parent, false) && parent.statement === child)
      return true;
  }
  return false;
}
