import { isIP } from 'node:net';
import { secretValue } from '../files/secret-value.ts';
import type { Kind } from './setting.ts';

/** Any text that is not empty. */
export function text(argument: string, expects = 'a text'): Kind<string> {
  return { argument, expects, read: (given) => given };
}

/** A text of this form. */
export function pattern(argument: string, form: RegExp, expects: string): Kind<string> {
  return { argument, expects, read: (given) => (form.test(given) ? given : null) };
}

/** A secret on one line. It has no flag: a process list shows arguments to every user of the machine. */
export const secret: Kind<string> = {
  argument: '<text>',
  expects: 'one line without control characters',
  read: (given) => {
    const read = secretValue(given);
    return 'value' in read ? read.value : null;
  },
};

export const folder = text('<folder>', 'a folder');
export const file = text('<file>', 'a file');
/**
 * An address that a listener binds to: `*`, a name, IPv4, IPv6 without brackets. Errors about an address name the
 * settings of this kind.
 */
export const host: Kind<string> = {
  argument: '<address>',
  expects: 'an address without a port, IPv6 without brackets: the port has a setting of its own',
  read: (given) => (isIP(given) !== 0 || /^(\*|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$/.test(given) ? given : null),
};

/** A whole number in plain digits: a blank, `0x10` and `1e3` are invalid. */
export function integer(argument: string, expects: string, least: number, most: number): Kind<number> {
  return {
    argument,
    expects,
    read: (given) => {
      const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
      return value >= least && value <= most ? value : null;
    },
  };
}

/** A port to listen on. Errors about a port name the settings of this kind. */
export const port = integer('<port>', 'a port from 0 (any free one) to 65535', 0, 65_535);

/** A number with or without decimals, from 0. */
export function decimal(argument: string, expects: string, most: number): Kind<number> {
  return {
    argument,
    expects,
    read: (given) => {
      const value = /^\d{1,9}(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
      return value <= most ? value : null;
    },
  };
}

export function oneOf<const Choice extends string>(argument: string, choices: readonly Choice[]): Kind<Choice> {
  const expects =
    choices.length === 2 ? choices.join(' or ') : `one of ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return { argument, expects, read: (given) => choices.find((choice) => choice === given) ?? null };
}

export const truth: Kind<boolean> = {
  argument: '<true|false>',
  expects: 'true or false',
  read: (given) => (given === 'true' ? true : given === 'false' ? false : null),
};

/** Off unless it is given: the flag needs no value. */
export const toggle: Kind<boolean> = { ...truth, argument: '[true|false]' };

/** Items separated by commas; blanks around an item and empty items are ignored. */
export function list(argument: string, expects: string, item: RegExp): Kind<readonly string[]> {
  return {
    argument,
    expects,
    read: (given) => {
      const items = given
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== '');
      return items.every((one) => item.test(one)) ? items : null;
    },
  };
}
