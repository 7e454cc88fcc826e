/** Completion scripts for bash, zsh and fish: words after a command are its subcommands and options, else files. */
import type { Command, Option } from 'commander';

/** A command by its words, and what may follow. */
interface Place {
  /** `container export`; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly Word[];
  readonly options: readonly Word[];
  /** Values of arguments that can be told: `bash`, `passphrase`. */
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
      `    ${quote(path)}) words=${quote([...wordsOf(subcommands), ...choices, ...wordsOf(options)].join(' '))} ;;`,
  );
  return `# Completion of keycask for bash.
_keycask() {
  local current=\${COMP_WORDS[COMP_CWORD]} place= word words= i
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
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _keycask keycask
`;
}

/** For a folder of fpath, as \`_keycask\`; can also be sourced. */
export function zshCompletion(program: Command): string {
  const cases = placesOf(program).map(({ path, subcommands, options, choices }) => {
    const described = [...subcommands, ...choices.map((word) => ({ word, says: '' })), ...options];
    const words = described.map(({ word, says }) =>
      quote(`${word.replaceAll(':', '\\:')}:${says}`),
    );
    return `    ${quote(path)}) candidates=(${words.join(' ')}) ;;`;
  });
  return `#compdef keycask
# Completion of keycask for zsh.
_keycask() {
  local place= word i
  local -a so_far candidates
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
  _describe keycask candidates
  _files
}
if [[ $funcstack[1] == _keycask ]]; then _keycask "$@"; else compdef _keycask keycask; fi
`;
}

export function fishCompletion(program: Command): string {
  const lines = placesOf(program).flatMap(({ path, subcommands, options, choices }) => {
    const when = `-n ${quote(`__keycask_place ${quoteForFish(path)}`)}`;
    return [
      ...subcommands.map(
        ({ word, says }) => `complete -c keycask ${when} -f -a ${word} -d ${quote(says)}`,
      ),
      ...choices.map((word) => `complete -c keycask ${when} -f -a ${word}`),
      ...options.map(({ word, says }) => {
        const flag = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        return `complete -c keycask ${when} ${flag} -d ${quote(says)}`;
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

function namedPlaces(program: Command): string[] {
  return placesOf(program).flatMap(({ path }) => (path === '' ? [] : [path]));
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

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Inside of single quotes already. */
function quoteForFish(path: string): string {
  return `"${path}"`;
}
