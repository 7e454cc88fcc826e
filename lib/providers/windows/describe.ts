/** Facts of this Windows that bear on its providers. */
import { loadBCrypt } from '../../../native-bindings/bcrypt.ts';
import { wineVersion } from '../../../native-bindings/kernel32.ts';

/** `Windows, FIPS mode off`, or `Wine 10.0, which is not Windows: …`. What its CNG has, the provider says. */
export async function describeWindows(): Promise<string> {
  const wine = await wineVersion();
  if (wine !== undefined) return `Wine ${wine}, which is not Windows: its DPAPI keeps no secret`;
  const fips = (await loadBCrypt()).fipsMode();
  if (fips === undefined) return 'Windows, FIPS mode not known';
  return `Windows, FIPS mode ${fips ? 'on' : 'off'}`;
}
