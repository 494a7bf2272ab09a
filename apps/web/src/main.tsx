import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { VelocityProvider } from "@velocity/react";
import { createVelocity, VelocityApiError } from "@velocity/sdk";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { RouterProvider } from "./router.tsx";
import "./styles.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

const client = createVelocity({ url: window.location.origin, maxRetries: 0 });
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refused stays refused; what never arrived is asked again while the page says so.
      retry: (count, error) => !(error instanceof VelocityApiError && !error.retryable) && count < 2,
      retryDelay: (attempt) => Math.min(4_000, 500 * 2 ** attempt),
      networkMode: "always",
    },
  },
});

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <VelocityProvider client={client}>
        <RouterProvider>
          <App />
        </RouterProvider>
      </VelocityProvider>
    </QueryClientProvider>
  </StrictMode>,
);
