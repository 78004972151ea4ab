import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { newCache } from "./api/queries";
import { App } from "./app";
import "./styles/tokens.css";
import "./styles/app.css";
import "./styles/records.css";
import "./styles/table.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={newCache()}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
