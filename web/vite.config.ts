import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The api serves what is built here, under a content security policy of `default-src 'self'`: nothing may be
// inlined into the page, neither small assets nor a polyfill.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    // Parts that change at different times are kept by browsers on their own.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "charts", test: /node_modules\/(echarts|zrender|tslib)\// },
            { name: "yaml", test: /node_modules\/yaml\// },
            { name: "react", test: /node_modules\// },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8750", changeOrigin: true } } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
