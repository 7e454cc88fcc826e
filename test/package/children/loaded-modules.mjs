/** Imports one entry of the built package and prints, as JSON, every module that this loads. Arguments: specifier, `import` or `require`. */
import { createRequire, register } from 'node:module';
import process from 'node:process';
import { MessageChannel } from 'node:worker_threads';

const [specifier = 'keycask', how] = process.argv.slice(2);
const require = createRequire(import.meta.url);
/** @type {string[]} */
const urls = [];
const { port1, port2 } = new MessageChannel();
port1.on('message', (url) => urls.push(url));

// Tells the URL of everything that import loads; what require loads is in its cache.
const hooks = `
  let port;
  export const initialize = (data) => { port = data.port; };
  export const load = (url, context, next) => { port.postMessage(url); return next(url, context); };
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`, {
  parentURL: import.meta.url,
  data: { port: port2 },
  transferList: [port2],
});

if (how === 'require') require(specifier);
else await import(specifier);
// The hooks run in a thread of their own: what they posted arrives with the next turns.
await new Promise((resolve) => {
  setTimeout(resolve, 20);
});
port1.close();
process.stdout.write(JSON.stringify([...urls, ...Object.keys(require.cache)]));
