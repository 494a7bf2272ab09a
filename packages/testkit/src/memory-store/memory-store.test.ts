import { describeStore } from "../describe-store/describe-store.ts";
import { memoryStore } from "./memory-store.ts";

describeStore("memory", async () => memoryStore());
