using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;
using MambaExt.Hosting;
using MambaExt.Runs;
using Microsoft.Extensions.Logging;

namespace MambaExt.Graph.Hosting;

/// <summary>Node classification as a service: data sets by name, training in run folders, trained models.</summary>
/// <param name="trainer">Sets threads and knows the options</param>
/// <param name="log">Hears of each finished run</param>
public sealed partial class NodeClassification(ModelTrainer trainer, ILogger<NodeClassification> log)
{
    private readonly ILogger _log = log;

    /// <summary>A data set of the registry, from <see cref="MambaExtOptions.DataFolder"/>.</summary>
    public NodeDataSet Load(string dataSet) => GraphDataSets.Load(dataSet, trainer.Options.DataFolder is { Length: > 0 } folder ? folder : null);

    /// <summary>Trains the whole model of a recipe with several seeds on the first split.</summary>
    /// <param name="data">A data set of the registry, or one made in code</param>
    /// <param name="recipe">Default: the data set's own</param>
    /// <param name="seeds">1 or more</param>
    /// <param name="resume">The folder of a run that was cut, to go on with it; data, recipe and seeds must be the same</param>
    /// <param name="progress">Told of each epoch</param>
    /// <param name="token">Ends the run after the step under way, with a checkpoint</param>
    /// <returns>Scores and the run's folder, whose <c>models</c> holds the model that validation likes best.</returns>
    public NodeResult Train(
        NodeDataSet data, NodeRecipe? recipe = null, int seeds = 1, string? resume = null, IProgress<NodeEpoch>? progress = null, CancellationToken token = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        recipe ??= NodeRecipe.For(data.Name);
        string name = recipe.Model is GraphMambaOptions ? NodeRecipe.Names[0] : NodeRecipe.Deep;
        NodeRunKey[] keys = [.. Enumerable.Range(0, seeds).Select(seed => new NodeRunKey(name, seed, 0))];
        var config = new { dataset = data.Name, options = recipe.Model, training = recipe.Training, seeds, threads = Compute.Threads };
        var (runs, folder) = trainer.Begin<NodeRunKey, NodeRun>($"graph-{data.Name}", config, resume);
        using RunFolder? own = folder;
        var experiment = new NodeExperiment(new VertexClassification(data), new Dictionary<string, NodeRecipe> { [name] = recipe }, keys)
        {
            Epoch = epoch => progress?.Report(epoch),
            Done = (key, run) => LogRun(data.Name, key.Seed, run.val, run.test, run.seconds),
        };
        NodeResult result = experiment.Run(runs, folder?.Path ?? "", token)[0];
        folder?.WriteResult(result);
        return result;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{DataSet}, seed {Seed}: validation {Validation}, test {Test}, {Seconds} s")]
    private partial void LogRun(string dataSet, int seed, double validation, double test, double seconds);
}
