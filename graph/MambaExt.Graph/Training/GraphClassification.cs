using MambaExt.Data;
using MambaExt.Distributed;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Whole graphs are classified.</summary>
/// <param name="data">With its features as they were read</param>
public sealed class GraphClassification(GraphDataSet data) : ClassificationTask
{
    /// <summary>The data set.</summary>
    public GraphDataSet Data { get; } = data;

    /// <inheritdoc/>
    public override GraphTask Kind => GraphTask.Graphs;

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
    public override int SplitCount => Data.Folds.Count;

    /// <inheritdoc/>
    public override string SplitKind => Data.SplitKind;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Transforms => Data.Transforms;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes => Data.Notes;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Report => Data.Report;

    /// <inheritdoc/>
    public override ClassificationTask Prepare(NodeRecipe recipe) => new GraphClassification(recipe.Prepare(Data));

    /// <inheritdoc/>
    public override void Validate(NodeRecipe recipe, Device? device = null)
    {
        GraphTrainer.Validate(recipe.Model, recipe.Training);
        recipe.Model.Validate(Data.Packed.Graph.VertexCount);
        if (device is null || device.type == TorchSharp.DeviceType.CPU)
        {
            MemoryEstimate.Require(Memory(recipe), "choose fewer channels, layers or graphs a batch");
        }
    }

    /// <inheritdoc/>
    public override double Memory(NodeRecipe recipe) => MemoryEstimate.Bytes(Data, recipe);

    /// <inheritdoc/>
    public override long ParameterCount(GraphModelOptions model) => GraphTrainer.ParameterCount(Data, model);

    /// <inheritdoc/>
    public override NodeRun Train(
        NodeRecipe recipe, NodeRunKey key, ITrainingHost host, ICommunicator? ranks, Action<IReadOnlyList<(string Name, byte[] Content)>>? save, Device? device, bool scoreTest, CancellationToken token) =>
        GraphTrainer.Run(
            recipe.Prepare(Data), recipe.Model, recipe.Training, key.Seed, key.Split, host, ranks,
            (network, run) => save?.Invoke(GraphClassifier.Files(network, Data, recipe.Training, run)), device, token, scoreTest);
}
