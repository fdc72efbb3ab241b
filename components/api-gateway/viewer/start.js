// Relative to this script, so that it works below any path.
const document_url = new URL("../openapi.json", document.currentScript.src).href;

window.viewer = SwaggerUIBundle({
  url: document_url,
  dom_id: "#viewer",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
