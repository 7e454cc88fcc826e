/** Every command tells what it does, with an example. */
import { Help, type Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { Failures } from '../../../lib/cli/errors.ts';
import { createProgram } from '../../../lib/cli/program.ts';

const program = createProgram({
  failures: new Failures(),
  environmentSecrets: {},
  signal: new AbortController().signal,
});

describe('the help of each command', () => {
  const commands = everyCommand(program);

  test('is there for every command of the design', () => {
    const names = commands.map(({ path }) => path);
    for (const name of WANTED.trim().split(/\s*·\s*|\n/u))
      expect(names).toContain(`keycask ${name}`);
  });

  test.each(commands)('$path describes itself and every argument and option', ({ command }) => {
    expect(command.description()).toMatch(/\.$/u);
    for (const argument of command.registeredArguments) expect(argument.description).not.toBe('');
    for (const option of command.options) expect(option.description).not.toBe('');
  });

  test.each(commands)('$path ends with an example of itself', ({ command, path }) => {
    const lines = helpOf(command).trimEnd().split('\n');
    expect(lines.findLastIndex((line) => /^Examples?:$/u.test(line))).toBeGreaterThan(0);
    expect(lines.at(-1)).toContain(path);
  });
});

const WANTED = `
init · create · list · show · verify · rewrap · rotate · remove · encrypt · decrypt · record export · record import
container list · container create · container show · container delete · container rotate · container protect · container certificate
container export · container import · trust list · trust add · trust adopt · trust revoke
trust policy list · trust policy set · trust policy remove · inspect · migrate
agent start · agent stop · agent status · agent lock · agent unlock · agent install · agent trust list · agent trust add
store status · store copy · store verify · store compact
agent trust remove · agent access list · agent access allow · agent access remove · agent allow-legacy · doctor · completion
`;

function everyCommand(command: Command, parent = ''): { command: Command; path: string }[] {
  const path = `${parent} ${command.name()}`.trim();
  return [{ command, path }, ...command.commands.flatMap((below) => everyCommand(below, path))];
}

/** As it is printed, examples included. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  expect(text).toContain(new Help().commandUsage(command).split(' ')[0]);
  return text;
}
