import { expect, test } from "vitest";
import { installFailure } from "./install-failure.ts";

test.each([
  [
    "npm error code E404\nnpm error 404 Not Found - GET https://registry.example/@acme%2fui - Not found",
    "install_failed",
    "@acme/ui is not in the package registry. Check its name in package.json.",
  ],
  [
    'error Couldn\'t find package "left-padd" on the "npm" registry.',
    "install_failed",
    "left-padd is not in the package registry. Check its name in package.json.",
  ],
  [
    "npm error code ETARGET\nnpm error notarget No matching version found for react@^99.0.0.",
    "install_failed",
    "react has no version that fits the range in package.json.",
  ],
  [
    "npm error code EINTEGRITY",
    "install_failed",
    "A package does not match its checksum in the lockfile. Update the lockfile.",
  ],
  [
    "npm error code ERESOLVE",
    "install_failed",
    "Peer dependencies contradict each other; the log names them. Correct package.json.",
  ],
  [
    "npm error code ENOSPC\nnpm error nospc",
    "disk_full",
    "The disk is full: dependencies could not be installed.",
  ],
  [
    "npm error network request to https://r.example/x failed, reason: getaddrinfo ENOTFOUND",
    "install_failed",
    "The package registry cannot be reached. Check the network (or the npm registry setting) of the server and try again.",
  ],
  [
    "npm error code SELF_SIGNED_CERT_IN_CHAIN",
    "install_failed",
    "The package registry's certificate is not trusted by this server. Set npm's cafile to the certificate of its authority.",
  ],
  [
    "bwrap: No permissions to create new namespace",
    "driver_failed",
    "The sandbox for installing dependencies could not be set up.",
  ],
  [
    "something new",
    "install_failed",
    "The package manager could not install the dependencies; the log says why.",
  ],
])("%s", (output, code, message) => {
  const error = installFailure(output.split("\n"), 1);
  expect(error).toMatchObject({ code, publicMessage: message });
  expect(error.context.log).toEqual(output.split("\n"));
});

test("the log is the last fifty lines", () => {
  const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`);
  expect(installFailure(lines, 1).context.log).toEqual(lines.slice(150));
});
