// Shows the API description in Swagger UI. Nothing is fetched from elsewhere and no token is kept.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// Defined by swagger-ui-bundle.js, which is loaded before.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#description",
  layout: "BaseLayout",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});
