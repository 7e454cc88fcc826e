/** Child: imports all of keycask, seals under dpapi, and tells what failed and which native modules were loaded. */
import * as keycask from '../../../../lib/index.ts';
import { SecretBytes } from '../../../../lib/keys/secret-bytes.ts';
import { dpapiProtector } from '../../../../lib/providers/software/index.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import { done, started } from '../../../support/fork.ts';

/** Paths of koffi among the shared objects of this process. */
function nativeModules(): string[] {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.filter((path) => /koffi/u.test(path));
}

await started();
await (await keycask.openProvider('software', { protector: 'dpapi' })).close();
using fileKey = SecretBytes.random(32);
const code = await codeOfAsync(dpapiProtector().wrap(fileKey));
const native = nativeModules();
await import('koffi');
done({ code, native, nativeWithKoffi: nativeModules() });
