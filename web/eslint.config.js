import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// The arrows point down: pages > components, charts > api, lib. A new folder must be given its place here.
const MAY_IMPORT = {
  lib: [],
  api: ["lib"],
  charts: ["api", "lib"],
  components: ["api", "lib"],
  pages: ["components", "charts", "api", "lib"],
};
const FOLDERS = Object.keys(MAY_IMPORT);

const arrows = Object.entries(MAY_IMPORT).map(([folder, allowed]) => {
  const forbidden = FOLDERS.filter((other) => other !== folder && !allowed.includes(other));
  return {
    files: [`src/${folder}/**/*.{ts,tsx}`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${[...forbidden, "app", "main"].join("|")})(/|$)`,
              message: `${folder}/ may import ${allowed.join(", ") || "nothing of ours"}: pages > components, charts > api, lib.`,
            },
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ["node_modules", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  hooks.configs.flat["recommended-latest"],
  {
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      // The table library keeps its own state outside of React's sight; its components opt out of memoization.
      "react-hooks/incompatible-library": "off",
    },
  },
  ...arrows,
);
