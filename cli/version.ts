import { version } from "./package.json";

/** The version of this command line. */
export const VERSION: string = version;
