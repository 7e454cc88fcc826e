/**
 * Command-line scripts: what a person would type, and what must be seen.
 *
 *   # text          a comment; the first one names the test
 *   % root          what the machine must have, else the script is left out, loudly (requirements.ts)
 *   $ command       run by sh, in a folder of its own, without a terminal; {{names}} captured before are variables
 *   > line          the next line of its standard output
 *   2> line         the next line of its standard error
 *   = 3             its exit code, where it is not 0
 *
 * Lines must match exactly and completely. In them `{{regexp}}` stands for what it matches, `{{name=regexp}}` also keeps it as $name, a line of
 * only `...` for any number of lines, and $WORK for the script's folder. No line of a stream means that nothing is written to it.
 */
import { readFileSync } from 'node:fs';

interface Step {
  readonly line: number;
  readonly command: string;
  readonly stdout: string[];
  readonly stderr: string[];
  exitCode: number;
}

export interface Script {
  readonly title: string;
  readonly needs: readonly string[];
  readonly steps: readonly Step[];
}

export function readScript(path: string): Script {
  const steps: Step[] = [];
  const needs: string[] = [];
  let title: string | undefined;
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries()) {
    const step = steps.at(-1);
    const [, mark = '', rest = ''] = /^(#|%|\$|>|2>|=)(?: (.*))?$/u.exec(text) ?? [];
    if (mark === '' && text.trim() !== '') throw new Error(`${path}:${index + 1}: what is this?`);
    if (mark === '#') title ??= rest;
    else if (mark === '%') needs.push(...rest.split(' '));
    else if (mark === '$')
      steps.push({ line: index + 1, command: rest, stdout: [], stderr: [], exitCode: 0 });
    else if (mark === '>') step!.stdout.push(rest);
    else if (mark === '2>') step!.stderr.push(rest);
    else if (mark === '=') step!.exitCode = Number(rest);
  }
  if (title === undefined || steps.length === 0)
    throw new Error(`${path}: no title, or no command`);
  return { title, needs, steps };
}

/**
 * Compares a stream with what a script expects of it.
 *
 * @param variables - Captures of earlier steps, and where this one's go.
 * @returns What is wrong, or undefined.
 */
export function mismatch(
  expected: readonly string[],
  actual: string,
  variables: Map<string, string>,
): string | undefined {
  const names: string[] = [];
  let pattern = '';
  for (const line of expected) {
    pattern +=
      line === '...' ? String.raw`(?:[^\n]*\n)*` : `${linePattern(line, names, variables)}\n`;
  }
  // What a stream writes may lack its last line's end.
  const text = actual === '' || actual.endsWith('\n') ? actual : `${actual}\n`;
  const found = new RegExp(`^${pattern}$`, 'u').exec(text);
  if (!found) return `expected:\n${indent(expected.join('\n'))}\ngot:\n${indent(text)}`;
  for (const [index, name] of names.entries()) variables.set(name, found[index + 1]!);
  return undefined;
}

function linePattern(
  line: string,
  names: string[],
  variables: ReadonlyMap<string, string>,
): string {
  return line
    .split(/(\{\{.*?\}\}(?!\}))/u)
    .map((part) => {
      if (!part.startsWith('{{')) return escape(substitute(part, variables));
      const [, name, pattern] = /^\{\{(?:(\w+)=)?(.*)\}\}$/u.exec(part)!;
      if (name === undefined) return `(?:${pattern})`;
      names.push(name);
      return `(${pattern})`;
    })
    .join('');
}

function substitute(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\w+)/gu, (whole, name: string) => variables.get(name) ?? whole);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/gu, String.raw`\$&`);
}

function indent(text: string): string {
  return text.replace(/^/gmu, '    ');
}
