// One setting: the environment variable it is read from, its default, its meaning, and how its text becomes a value.

export interface Setting<T> {
  readonly variable: string;
  readonly meaning: string;
  /** How the default is written in documentation; "" when there is none. */
  readonly defaultText: string;
  readonly isSecret: boolean;
  /** Parses the text; throws an Error whose message ends the sentence "PORT must be …". `undefined` gives the default. */
  parse(text: string | undefined): T;
}

interface Common {
  readonly meaning: string;
}

export function integer(
  variable: string,
  options: Common & { default: number; min: number; max: number; unit?: string },
): Setting<number> {
  const { min, max } = options;
  return {
    variable,
    meaning: options.unit ? `${options.meaning} (${options.unit})` : options.meaning,
    defaultText: String(options.default),
    isSecret: false,
    parse(text) {
      if (text === undefined) return options.default;
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= min && value <= max)) throw new Error(`a whole number from ${min} to ${max}`);
      return value;
    },
  };
}

export function text(
  variable: string,
  options: Common & { default: string; check?: (text: string) => string },
): Setting<string> {
  return {
    variable,
    meaning: options.meaning,
    defaultText: options.default,
    isSecret: false,
    parse: (value) => (value === undefined ? options.default : (options.check?.(value) ?? value)),
  };
}

/** A value that may be left out; `check` returns it in its final form or throws what it must be. */
export function optional<T = string>(
  variable: string,
  options: Common & { secret?: boolean; check?: (text: string) => T },
): Setting<T | undefined> {
  return {
    variable,
    meaning: options.meaning,
    defaultText: "",
    isSecret: options.secret ?? false,
    // Without a check T is string, its default.
    parse: (value) => (value === undefined ? undefined : options.check ? options.check(value) : (value as T)),
  };
}

export function choice<const T extends readonly string[]>(
  variable: string,
  options: Common & { default: T[number]; of: T },
): Setting<T[number]> {
  return {
    variable,
    meaning: `${options.meaning}: ${options.of.join(", ")}`,
    defaultText: options.default,
    isSecret: false,
    parse(value) {
      if (value === undefined) return options.default;
      if (!options.of.includes(value)) throw new Error(`one of ${options.of.join(", ")}`);
      return value;
    },
  };
}

export function list(
  variable: string,
  options: Common & { check?: (item: string) => string },
): Setting<readonly string[]> {
  return {
    variable,
    meaning: `${options.meaning}; separated by commas`,
    defaultText: "",
    isSecret: false,
    parse(value) {
      const items = (value ?? "").split(",").map((item) => item.trim());
      return items.filter((item) => item !== "").map((item) => options.check?.(item) ?? item);
    },
  };
}
