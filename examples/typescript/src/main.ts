// A decider in TypeScript: reads its settings, listens, and serves until SIGTERM or SIGINT.

import { pino } from "pino";
import { serve } from "./server.js";

const log = pino({ level: process.env.LOG_LEVEL || "info" });

try {
	const server = await serve(process.env.LISTEN || "127.0.0.1:50051", log);
	process.once("SIGTERM", server.stop).once("SIGINT", server.stop);
	// Without a handler a second signal would end the process at once, and make repeats SIGTERM.
	process.on("SIGTERM", () => {});
} catch (error) {
	log.fatal(`can't serve: ${error}`);
	process.exitCode = 1;
}
