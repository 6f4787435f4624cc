/** What this build is. The build puts the values in; run from source they are read where they are kept. */

declare const GWE_VERSION: string | undefined;
declare const GWE_COMMIT: string | undefined;

/** Version of gwe, as in package.json. */
export const VERSION: string = typeof GWE_VERSION === 'string' ? GWE_VERSION : '0.0.0-source';

/** The commit it was built from. */
export const COMMIT: string = typeof GWE_COMMIT === 'string' ? GWE_COMMIT : 'source';
