// The process: finds the command, runs it, and turns an expected failure into one sentence and exit code 1.
import { StartError } from "./kernel/errors/index.ts";
import { type Command, parseCommandLine, USAGE } from "./process/command-line.ts";

try {
  await run(parseCommandLine(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

// Each command loads only what it needs, so that --help is instant and a child starts fast.
async function run(command: Command): Promise<void> {
  switch (command.command) {
    case "start":
      if (command.isSupervised) return (await import("./process/supervised.ts")).runSupervised();
      return (await import("./process/start.ts")).start(command);
    case "migrate":
      return (await import("./process/commands.ts")).migrateDatabase();
    case "config":
      return (await import("./process/commands.ts")).showConfig();
    case "rotate keys":
      return (await import("./process/commands.ts")).rotateKeys();
    case "search verify":
      return (await import("./process/commands.ts")).verifySearch(command.projectId);
    case "openapi":
      return (await import("./process/commands.ts")).showOpenApi();
    case "help":
      process.stdout.write(USAGE);
      return;
    case "version":
      return (await import("./process/commands.ts")).showVersion();
  }
}
