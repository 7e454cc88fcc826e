/** Text for a terminal: labels and file names are other people's, and must not carry control sequences. */

/** Control, format (bidirectional overrides among them), line and paragraph separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line without control characters: each is shown as `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${codeOf(character)}}`);
}

/** The same JSON value, in ASCII where a terminal would obey: JSON.stringify leaves DEL, C1 and bidirectional overrides as they are. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

function codeOf(character: string): string {
  return character.codePointAt(0)!.toString(16);
}
