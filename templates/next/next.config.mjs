/** @type {import("next").NextConfig} */
const config = {
  // Previews are opened at their own host name; without this the dev server refuses its hot-reload socket there.
  allowedDevOrigins: ["*.velocity.localhost"],
};

export default config;
