// Builds the pages of the console with Vite into the folder named on the command line; a program of its own, so that the node never holds the
// builder in memory. The only door of vite. Run by bundle.ts; nothing it makes is committed.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export async function buildPages(outDir: string): Promise<void> {
  await build({
    root: fileURLToPath(new URL('./ui', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    base: '/',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      sourcemap: false,
      // Browsers of two years ago.
      target: ['chrome120', 'firefox120', 'safari17'],
      // Fonts stay files: inlined they would be fetched with the style on every first load.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
}

const outDir = process.argv[2];
if (import.meta.main && outDir) await buildPages(outDir);
