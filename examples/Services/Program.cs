// Node classification in a program that is put together from services: options, logging and cancellation as everywhere in .NET.

using MambaExt.Graph.Hosting;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

// README: services
var services = new ServiceCollection();
services.AddLogging(log => log.SetMinimumLevel(LogLevel.Information));   // any provider: console, OpenTelemetry, ...
services.AddMambaExtGraph(o =>
{
    o.RunsFolder = Path.Combine(Path.GetTempPath(), "mambaext-runs");
    o.CheckpointEvery = TimeSpan.FromSeconds(10);
});
using ServiceProvider provider = services.BuildServiceProvider();
NodeClassification classification = provider.GetRequiredService<NodeClassification>();
NodeRecipe recipe = NodeRecipe.For("minesweeper-grid");
NodeResult result = classification.Train(
    classification.Load("minesweeper-grid"),
    recipe with { Model = recipe.Model with { d_model = 16 }, Training = recipe.Training with { epochs = 10 } },
    progress: new Progress<NodeEpoch>(e => Console.WriteLine($"epoch {e.epoch}: validation {e.val:f1}")),
    token: stop.Token);
using NodeClassifier model = NodeClassifier.Load(Path.Combine(result.run_dir, "models", result.model));
// End of README: services

float[][] probabilities = model.Predict(classification.Load("minesweeper-grid").Graph, classification.Load("minesweeper-grid").Features);
Console.WriteLine($"AUC {result.test_mean:f2}; the first vertex is a mine with probability {probabilities[0][1]:f2}");
Console.WriteLine($"Run: {result.run_dir}");
