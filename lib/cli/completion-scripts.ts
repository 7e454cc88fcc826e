/** Completion scripts for bash, zsh and fish: after a command its subcommands and files, after a hyphen its options, after those their values. */
import type { Command, Option } from 'commander';

/** A command by its words, and what may follow. */
interface Place {
  /** `container export`; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly Word[];
  readonly options: readonly Word[];
  /** Values of arguments that can be told: `bash`, `passphrase`. */
  readonly choices: readonly string[];
  readonly valued: readonly ValuedOption[];
}

/** An option that takes a value: one of its choices, else a file or a text. */
interface ValuedOption {
  readonly words: readonly string[];
  readonly choices: readonly string[];
}

interface Word {
  readonly word: string;
  readonly says: string;
}

/** Needs bash 4; without the package bash-completion. */
export function bashCompletion(program: Command): string {
  const cases = placesOf(program).map(
    ({ path, subcommands, options, choices }) =>
      `    ${quote(path)}) words=${quote([...wordsOf(subcommands), ...choices].join(' '))}; options=${quote(wordsOf(options).join(' '))} ;;`,
  );
  const values = valuesOf(program).map(
    ([word, choices]) => `    ${quote(word)}) words=${quote(choices.join(' '))} ;;`,
  );
  return `# Completion of keycask for bash.
_keycask() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place= word words= options= i
  # Bash takes --name=value apart.
  [[ $current == = ]] && current=
  [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD-2]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -* ]] && continue
    case "\${place:+$place }$word" in
      ${namedPlaces(program).map(quote).join(' | ')}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  [[ $current == -* ]] && words=$options
  # Where nothing is offered, readline offers files.
  case "$previous" in
${values.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _keycask keycask
`;
}

/** For a folder of fpath, as \`_keycask\`; can also be sourced. */
export function zshCompletion(program: Command): string {
  const cases = placesOf(program).map(({ path, subcommands, options, choices }) => {
    const words = [...subcommands, ...choices.map((word) => ({ word, says: '' }))];
    return `    ${quote(path)}) candidates=(${describeForZsh(words)}); options=(${describeForZsh(options)}) ;;`;
  });
  const values = valuesOf(program).map(
    ([word, choices]) => `    ${quote(word)}) candidates=(${choices.map(quote).join(' ')}) ;;`,
  );
  return `#compdef keycask
# Completion of keycask for zsh.
_keycask() {
  local place= word i
  local -a so_far candidates options
  so_far=("\${(@)words[2,CURRENT-1]}")
  for word in $so_far; do
    [[ $word == -* ]] && continue
    case "\${place:+$place }$word" in
      ${namedPlaces(program).map(quote).join(' | ')}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  [[ $PREFIX == -* ]] && candidates=($options)
  case "\${words[CURRENT-1]}" in
${values.join('\n')}
  esac
  _describe keycask candidates
  _files
}
if [[ $funcstack[1] == _keycask ]]; then _keycask "$@"; else compdef _keycask keycask; fi
`;
}

export function fishCompletion(program: Command): string {
  const values = new Map(valuesOf(program));
  const lines = placesOf(program).flatMap(({ path, subcommands, options, choices }) => {
    const when = `-n ${quote(`__keycask_place ${quoteForFish(path)}`)}`;
    return [
      ...subcommands.map(
        ({ word, says }) => `complete -c keycask ${when} -f -a ${word} -d ${quote(says)}`,
      ),
      ...choices.map((word) => `complete -c keycask ${when} -f -a ${word}`),
      ...options.map(({ word, says }) => {
        const flag = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        const value = values.get(word);
        const takes = value ? (value.length > 0 ? ` -x -a ${quote(value.join(' '))}` : ' -r') : '';
        return `complete -c keycask ${when} ${flag}${takes} -d ${quote(says)}`;
      }),
    ];
  });
  return `# Completion of keycask for fish.
function __keycask_place --description 'Are the words so far this command?'
    set -l place
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and continue
        set -l longer (string join ' ' $place $word)
        if contains -- $longer ${namedPlaces(program).map(quote).join(' ')}
            set place $longer
        end
    end
    test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function placesOf(command: Command, path = '', inherited: readonly Option[] = []): Place[] {
  const help = command.createHelp();
  const options = [...help.visibleOptions(command), ...inherited];
  const subcommands = command.commands;
  const place = {
    path,
    subcommands: subcommands.map((sub) => ({
      word: sub.name(),
      says: firstSentence(sub.description()),
    })),
    options: options.flatMap(wordsOfOption),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    valued: options.filter(({ required }) => required).map(toValued),
  };
  // The program's own options may stand behind every command.
  const below =
    path === '' ? command.options.filter(({ long }) => long !== '--version') : inherited;
  return [
    place,
    ...subcommands.flatMap((sub) =>
      placesOf(sub, path === '' ? sub.name() : `${path} ${sub.name()}`, below),
    ),
  ];
}

/** Options that take values, with those that can be told; `--out` means the same everywhere. */
function valuesOf(program: Command): (readonly [string, readonly string[]])[] {
  const values = placesOf(program).flatMap(({ valued }) =>
    valued.flatMap(({ words, choices }) => words.map((word) => [word, choices] as const)),
  );
  return [...new Map(values)];
}

function namedPlaces(program: Command): string[] {
  return placesOf(program).flatMap(({ path }) => (path === '' ? [] : [path]));
}

function toValued({ long, short, argChoices }: Option): ValuedOption {
  return { words: [long, short].flatMap((word) => word ?? []), choices: argChoices ?? [] };
}

function wordsOfOption({ long, short, description }: Option): Word[] {
  const says = firstSentence(description);
  return [long, short].flatMap((word) => (word ? [{ word, says }] : []));
}

function wordsOf(words: readonly Word[]): string[] {
  return words.map(({ word }) => word);
}

function firstSentence(text: string): string {
  return text.split(/[.:] /u)[0]!.replace(/\.$/u, '');
}

function describeForZsh(words: readonly Word[]): string {
  return words.map(({ word, says }) => quote(`${word.replaceAll(':', '\\:')}:${says}`)).join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Inside of single quotes already. */
function quoteForFish(path: string): string {
  return `"${path}"`;
}
