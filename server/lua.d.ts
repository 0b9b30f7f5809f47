/** A Lua script, imported as its text (esbuild's text loader; a plugin under vitest). */
declare module "*.lua" {
  const source: string;
  export default source;
}
