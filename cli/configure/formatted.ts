import { format, resolveConfig } from 'prettier';
import { CONFIGURE_FILE, configureText } from './document.ts';

/** As `npm run check` wants it. */
export async function formattedConfigureText(): Promise<string> {
  return format(configureText(), { ...(await resolveConfig(CONFIGURE_FILE)), filepath: CONFIGURE_FILE });
}
