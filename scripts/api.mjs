/**
 * Compares the public API with its reviewed reports, docs/api/*.api.md: `npm run api`, after a build.
 *
 * One report for each subpath of package.json. `--update` writes them. A public name without a doc comment
 * is an error, as is a name of lib/ that the API shows and does not export.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { root } from './run.mjs';

const update = process.argv.includes('--update');
const packageFile = path.join(root, 'package.json');
const { exports: subpaths } = JSON.parse(readFileSync(packageFile, 'utf8'));
const reports = path.join(root, 'docs', 'api');
mkdirSync(reports, { recursive: true });

let failed = 0;
for (const [subpath, target] of Object.entries(subpaths)) {
  if (typeof target === 'string') continue;
  const name = subpath === '.' ? 'keycask' : subpath.slice(2).replaceAll('/', '-');
  const ok = compare(name, target.import.types);
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (!ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;

/**
 * Compares one subpath with its report.
 *
 * @param {string} name - File name of the report.
 * @param {string} types - The subpath's declaration file.
 * @returns {boolean} Whether nothing is wrong.
 */
function compare(name, types) {
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: packageFile,
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: path.join(root, types),
      compiler: { tsconfigFilePath: path.join(root, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: reports,
        reportTempFolder: path.join(root, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Error },
          // Release tags (@public, @beta) say nothing here: what a subpath exports is public.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // {@link Class.member} across subpaths is for readers of the source.
          'ae-unresolved-link': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  return Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      // The banner about the bundled compiler is no finding.
      if (message.messageId.startsWith('console-') && message.logLevel === ExtractorLogLevel.Info)
        message.handled = true;
    },
  }).succeeded;
}
