using MambaExt.Data;
using MambaExt.Distributed;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>The vertices of a graph are classified.</summary>
/// <param name="data">With its features as they were read</param>
public sealed class VertexClassification(NodeDataSet data) : ClassificationTask
{
    /// <summary>The data set.</summary>
    public NodeDataSet Data { get; } = data;

    /// <inheritdoc/>
    public override GraphTask Kind => GraphTask.Vertices;

    /// <inheritdoc/>
    public override string Name => Data.Name;

    /// <inheritdoc/>
    public override DataVariant Variant => Data.Variant;

    /// <inheritdoc/>
    public override IReadOnlyList<DataSetFile> Files => Data.Files;

    /// <inheritdoc/>
    public override NodeMetric Metric => Data.Metric;

    /// <inheritdoc/>
    public override IReadOnlyList<string> ClassNames => Data.ClassNames;

    /// <inheritdoc/>
    public override int SplitCount => Data.Splits.Count;

    /// <inheritdoc/>
    public override string SplitKind => Data.SplitKind;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Transforms => Data.Transforms;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes => Data.Notes;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Report => Data.Report;

    /// <inheritdoc/>
    public override ClassificationTask Prepare(NodeRecipe recipe) => new VertexClassification(recipe.Prepare(Data));

    /// <inheritdoc/>
    public override void Validate(NodeRecipe recipe, Device? device = null)
    {
        NodeTrainer.Validate(recipe.Model, recipe.Training);
        recipe.Model.Validate(Data.Graph.VertexCount);
        if (recipe.Training.parts > Data.Graph.VertexCount)
        {
            throw new ArgumentException($"parts is {recipe.Training.parts} and {Data.Name} has {Data.Graph.VertexCount} vertices; give a part one or more.");
        }

        if (device is null || device.type == TorchSharp.DeviceType.CPU)
        {
            MemoryEstimate.Require(Memory(recipe), "choose recompute, fewer channels or layers, or cut the graph into parts");
        }
    }

    /// <inheritdoc/>
    public override double Memory(NodeRecipe recipe) => MemoryEstimate.Bytes(Data, recipe);

    /// <inheritdoc/>
    public override long ParameterCount(GraphModelOptions model) => NodeTrainer.ParameterCount(Data, model);

    /// <inheritdoc/>
    public override NodeRun Train(
        NodeRecipe recipe, NodeRunKey key, ITrainingHost host, ICommunicator? ranks, Action<IReadOnlyList<(string Name, byte[] Content)>>? save, Device? device, bool scoreTest, CancellationToken token) =>
        NodeTrainer.Run(
            recipe.Prepare(Data), recipe.Model, recipe.Training, key.Seed, key.Split, host, ranks,
            (network, run) => save?.Invoke(NodeClassifier.Files(network, Data, recipe.Training, run)), device, token, scoreTest);
}
