using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;

namespace MambaExt.Graph.Training;

/// <summary>A model and how it is trained, as chosen on validation data for a data set.</summary>
public sealed record NodeRecipe(GraphModelOptions Model, NodeTrainingOptions Training)
{
    /// <summary>The library's own deep network joined with the scan.</summary>
    public const string Deep = "deep-mamba";

    /// <summary>Graph-Mamba of Wang et al., GatedGCN beside a scan in one direction.</summary>
    public const string Gmb = "gmb";

    // What a data set says of itself once its rows are normalised.
    private const string RowsNormalised = "rows normalised";
    private const string GraphMamba = "graph-mamba";

    /// <summary>What each baseline is made of.</summary>
    private static readonly Dictionary<string, Func<DeepGraphOptions, DeepGraphOptions>> Baselines = new()
    {
        ["mlp"] = o => o with { conv = "linear" },
        ["gcn"] = o => o with { conv = "gcn" },
        ["gcn2"] = o => o with { conv = "gcn2" },
        ["sage"] = o => o with { conv = "sage" },
        ["gat"] = o => o with { conv = "gat" },
        ["gatedgcn"] = o => o with { conv = "gatedgcn" },
        ["gin"] = o => o with { conv = "gin" },
        ["transformer"] = o => o with { conv = "attention", layers = Math.Min(o.layers, 4), residual = "identity", norm = "layer", norm_place = "pre", feed_forward = true },
        ["gps"] = o => o with { conv = "gatedgcn", attention = true, layers = Math.Min(o.layers, 4), residual = "identity", norm = "layer", norm_place = "pre", feed_forward = true },
    };

    /// <summary>Models that are another one without a part of it, or with the part that an ablation puts in its place: which, and how. Those of Graph Mamba are the
    /// ablations of GMN (arXiv 2402.08678, table 4).</summary>
    private static readonly Dictionary<string, (string Of, Func<GraphModelOptions, GraphModelOptions> Without)> Reduced = new()
    {
        ["no-scan"] = (GraphMamba, o => (GraphMambaOptions)o with { scan = false }),
        ["no-mpnn"] = (GraphMamba, o => (GraphMambaOptions)o with { mpnn = MessagePassing.None }),
        ["one-direction"] = (GraphMamba, o => (GraphMambaOptions)o with { direction = "forward" }),
        ["no-walks"] = (GraphMamba, o => (GraphMambaOptions)o with { m = 0 }),
        ["ppr-order"] = (GraphMamba, o => (GraphMambaOptions)o with { order = "ppr" }),
        ["with-encodings"] = (GraphMamba, o => (GraphMambaOptions)o with { rwse = Math.Max(o.rwse, Math.Min(16, o.d_model / 4)) }),
        [Deep + "-no-scan"] = (Deep, o => (DeepGraphOptions)o with { scan_every = 0, depth_scan = 0, token_stage = false }),
    };

    /// <summary>Models by name: <see cref="For"/> knows a recipe of each for every data set.</summary>
    public static IReadOnlyList<string> Names { get; } = [GraphMamba, Deep, Gmb, .. Baselines.Keys, .. Reduced.Keys];

    /// <summary>Graph Mamba and the models that are Graph Mamba without a branch.</summary>
    public static IReadOnlyList<string> Ablations { get; } = [GraphMamba, "no-scan", "no-mpnn"];

    /// <summary>The recipe of a model for a data set by its registry name; a plain one for data sets that have none of their own.</summary>
    /// <param name="dataSet">Name in the registry</param>
    /// <param name="model">One of <see cref="Names"/></param>
    /// <param name="change">Made to the recipe before the part that the model does without is taken out</param>
    public static NodeRecipe For(string dataSet, string model = GraphMamba, Func<NodeRecipe, NodeRecipe>? change = null)
    {
        change ??= recipe => recipe;
        if (Reduced.TryGetValue(model, out var reduced))
        {
            NodeRecipe whole = For(dataSet, reduced.Of, change);
            return whole with { Model = reduced.Without(whole.Model) };
        }

        bool graphs = GraphDataSets.All.Any(info => info.Name == dataSet && info.Task == GraphTask.Graphs);
        return change(
            model == GraphMamba ? (graphs ? WholeGraphRecipes.GraphMamba(dataSet) : GraphMambaRecipes.For(dataSet))
            : model == Deep ? (graphs ? WholeGraphRecipes.WithScan(dataSet) : DeepRecipes.WithScan(dataSet))
            : model == Gmb ? (graphs ? WholeGraphRecipes.Gmb(dataSet) : GmbRecipes.For(dataSet))
            : Baselines.TryGetValue(model, out var baseline) ? (graphs ? WholeGraphRecipes.For(dataSet, baseline) : DeepRecipes.For(dataSet, baseline))
            : throw new ArgumentException($"There is no model '{model}'; allowed are {string.Join(", ", Names)}{(NameSuggestion.Nearest(model, Names) is { } near ? $" (did you mean {near}?)" : "")}."));
    }

    /// <summary>The data set with its features as this recipe wants them.</summary>
    public GraphDataSet Prepare(GraphDataSet data) => Training.normalise_features && !data.Transforms.Contains(RowsNormalised) ? data.WithRowNormalisedFeatures() : data;

    /// <summary>The data set with its features as this recipe wants them.</summary>
    public NodeDataSet Prepare(NodeDataSet data) => Training.normalise_features && !data.Transforms.Contains(RowsNormalised) ? data.WithRowNormalisedFeatures() : data;
}
