using MambaExt.Graph.Models;

namespace MambaExt.Graph.Training;

/// <summary>One setting that a comparison tries on validation data.</summary>
/// <param name="Change">What it changes in the recipe, in words; "recipe" for nothing</param>
/// <param name="Recipe">The recipe with the change</param>
public sealed record NodeTrial(string Change, NodeRecipe Recipe);

/// <summary>
/// The settings that a comparison tries for a model, from its recipe for the data set: the same changes in the same order for every model, so that
/// n trials are the same search for all of them.
/// </summary>
public static class NodeTrials
{
    private static readonly Func<NodeRecipe, (string Name, object Value, NodeRecipe Recipe)>[] Changes =
    [
        r => With("dropout", r.Model.dropout < 0.4 ? 0.5 : 0.2, r, (v, x) => x with { Model = x.Model with { dropout = v } }),
        r => With("learning_rate", r.Training.learning_rate / 3, r, (v, x) => x with { Training = x.Training with { learning_rate = v } }),
        r => With("layers", Math.Max(1, Depth(r.Model) / 2), r, (v, x) => x with { Model = WithDepth(x.Model, v) }),
        r => With("class_weights", "balanced", r, (v, x) => x with { Training = x.Training with { class_weights = v } }),
        r => With("weight_decay", r.Training.weight_decay > 0 ? r.Training.weight_decay * 10 : 0.01, r, (v, x) => x with { Training = x.Training with { weight_decay = v } }),
        r => With("d_model", r.Model.d_model * 2, r, (v, x) => x with { Model = x.Model with { d_model = v } }),
        r => With("ema", r.Training.ema > 0 ? 0 : 0.99, r, (v, x) => x with { Training = x.Training with { ema = v } }),
    ];

    /// <summary>How many there are.</summary>
    public static int Most => 1 + Changes.Length;

    /// <summary>The first <paramref name="count"/> settings, the recipe itself before its changes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to <see cref="Most"/>.</exception>
    public static IReadOnlyList<NodeTrial> Of(NodeRecipe recipe, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Most);
        return
        [
            new NodeTrial("recipe", recipe),
            .. Changes.Take(count - 1).Select(change => change(recipe)).Select(c => new NodeTrial(FormattableString.Invariant($"{c.Name} {c.Value:g3}"), c.Recipe)),
        ];
    }

    private static (string Name, object Value, NodeRecipe Recipe) With<T>(string name, T value, NodeRecipe recipe, Func<T, NodeRecipe, NodeRecipe> change)
        where T : notnull => (name, value, change(value, recipe));

    private static int Depth(GraphModelOptions options) => options switch
    {
        DeepGraphOptions deep => deep.layers,
        GmbOptions gmb => gmb.layers,
        _ => ((GraphMambaOptions)options).mpnn_layers,
    };

    private static GraphModelOptions WithDepth(GraphModelOptions options, int layers) => options switch
    {
        DeepGraphOptions deep => deep with { layers = layers, scan_every = Math.Min(deep.scan_every, layers), depth_scan = Math.Min(deep.depth_scan, layers) },
        GmbOptions gmb => gmb with { layers = layers },
        _ => (GraphMambaOptions)options with { mpnn_layers = layers },
    };
}
