/** Writes a registry file as Wine's server does, for tests of what reads one. */

/** A key and its values: bytes are hex, numbers dword, anything else stands as it is. */
export interface RegistryKey {
  readonly key: string;
  readonly values: Readonly<Record<string, Uint8Array | number | string>>;
}

/** The bytes of a `user.reg`. */
export function registryText(keys: readonly RegistryKey[]): Uint8Array {
  const lines = ['WINE REGISTRY Version 2', String.raw`;; All keys relative to \\Machine`, ''];
  for (const { key, values } of keys) {
    lines.push(`[${escaped(key, '[]')}] 1690000000`, '#time=1d9beef00000000');
    for (const [name, value] of Object.entries(values))
      lines.push(`"${escaped(name, '"')}"=${valueText(value, name.length + 3)}`);
    lines.push('');
  }
  return new TextEncoder().encode(lines.join('\n'));
}

function valueText(value: Uint8Array | number | string, column: number): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return `dword:${value.toString(16).padStart(8, '0')}`;
  let line = 'hex:';
  let width = column + line.length;
  for (const [index, byte] of value.entries()) {
    line += byte.toString(16).padStart(2, '0') + (index + 1 < value.length ? ',' : '');
    width += 3;
    if (index + 1 < value.length && width > 76) {
      line += '\\\n  ';
      width = 2;
    }
  }
  return line;
}

function escaped(text: string, alsoEscaped: string): string {
  return Array.from({ length: text.length }, (_, index) => {
    const unit = text.charCodeAt(index);
    if (unit > 127) return String.raw`\x${unit.toString(16).padStart(4, '0')}`;
    return text[index] === '\\' || alsoEscaped.includes(text[index]!)
      ? `\\${text[index]!}`
      : text[index]!;
  }).join('');
}
