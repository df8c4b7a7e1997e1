using System.CommandLine;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;

namespace MambaExt.Cli.Commands;

/// <summary>Options of <c>graph train</c> that change the data set's recipe. Each is named as in <c>config.json</c>.</summary>
internal static class GraphModelOptions
{
    private static readonly List<(Option Option, Func<ParseResult, NodeRecipe, NodeRecipe> Apply)> Entries =
    [
        Model<int>("--d_model", "Width of every layer", (v, o) => o with { d_model = v }),
        Model<int>("--d_state", "State size of the scans", (v, o) => o with { d_state = v }),
        Model<int>("--d_conv", "Taps of the convolutions", (v, o) => o with { d_conv = v }),
        Model<int>("--expand", "Inner width of a block over d_model", (v, o) => o with { expand = v }),
        Model<int>("--M", "Walks a token", (v, o) => o with { M = v }),
        Model<int>("--m", "Steps of the longest walk; 0: the vertex is its only token", (v, o) => o with { m = v }),
        Model<int>("--s", "Tokens a walk length", (v, o) => o with { s = v }),
        Model<int>("--token_layers", "Bidirectional layers over the tokens of a vertex", (v, o) => o with { token_layers = v }),
        Model<int>("--node_layers", "Bidirectional layers over the vertices in order", (v, o) => o with { node_layers = v }),
        Model<string>("--readout", "What stands for a vertex after the token layers: last or mean", (v, o) => o with { readout = v }),
        Model<double>("--layer_scale", "First scale of each scan layer's contribution", (v, o) => o with { layer_scale = v }),
        Model<bool>("--scan_norm", "A layer norm before each scan layer", (v, o) => o with { scan_norm = v }),
        Model<string>("--order", "Scan order of the vertices: degree or random", (v, o) => o with { order = v }),
        Entry(CommonOptions.Choice("--mpnn", "Message passing beside the scan.", Words), (v, r) => r with { Model = r.Model with { mpnn = Enum.Parse<MessagePassing>(v, ignoreCase: true) } }),
        Model<int>("--mpnn_layers", "Layers or propagation steps of the message passing", (v, o) => o with { mpnn_layers = v }),
        Model<bool>("--mpnn_residual", "Residual connections and norms in the message passing", (v, o) => o with { mpnn_residual = v }),
        Model<double>("--teleport", "Share of its own prediction a vertex keeps in a step of appnp", (v, o) => o with { teleport = v }),
        Model<double>("--dropout", "Dropout of hidden features", (v, o) => o with { dropout = v }),
        Model<bool>("--propagate_scan", "With appnp: propagate the scan's result too", (v, o) => o with { propagate_scan = v }),
        Model<bool>("--late_fusion", "A head and a loss for each branch, logits averaged", (v, o) => o with { late_fusion = v }),
        Model<double>("--input_dropout", "Dropout of input features", (v, o) => o with { input_dropout = v }),
        Training<int>("--epochs", "Most epochs", (v, o) => o with { epochs = v }),
        Training<int>("--patience", "Stop after so many epochs without a better validation score; 0: never", (v, o) => o with { patience = v }),
        Training<int>("--validate_every", "Validate every so many epochs", (v, o) => o with { validate_every = v }),
        Training<int>("--steps", "Most optimizer steps; 0: as many as the epochs have", (v, o) => o with { steps = v }),
        Training<string>("--optimizer", "adamw or sgd", (v, o) => o with { optimizer = v }),
        Training<double>("--learning_rate", "Largest learning rate", (v, o) => o with { learning_rate = v }),
        Training<double>("--weight_decay", "Weight decay", (v, o) => o with { weight_decay = v }),
        Training<double>("--momentum", "Momentum of sgd", (v, o) => o with { momentum = v }),
        Training<string>("--schedule", "Learning rate over the steps: constant, cosine or step", (v, o) => o with { schedule = v }),
        Training<int>("--warmup_steps", "Steps over which the learning rate rises from 0", (v, o) => o with { warmup_steps = v }),
        Training<double>("--final_learning_rate", "Where cosine ends, as a share of the largest", (v, o) => o with { final_learning_rate = v }),
        Training<int>("--decay_epochs", "Epochs between two decays of step", (v, o) => o with { decay_epochs = v }),
        Training<double>("--decay_factor", "What a decay of step multiplies by", (v, o) => o with { decay_factor = v }),
        Training<double>("--clip", "Largest gradient norm; 0: any", (v, o) => o with { clip = v }),
        Training<double>("--ema", "Decay of a moving average of the weights, which is validated and kept; 0: none", (v, o) => o with { ema = v }),
        Training<bool>("--normalise_features", "Divide feature rows by their sums", (v, o) => o with { normalise_features = v }),
    ];

    public static IEnumerable<Option> All => Entries.Select(e => e.Option);

    /// <summary>The recipe with what the command line says.</summary>
    public static NodeRecipe Apply(ParseResult parsed, NodeRecipe recipe) => Entries.Aggregate(recipe, (r, entry) => entry.Apply(parsed, r));

    private static IEnumerable<string> Words => Enum.GetNames<MessagePassing>().Select(name => name.ToLowerInvariant());

    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) Model<T>(string name, string description, Func<T, GraphMambaOptions, GraphMambaOptions> change)
        where T : IParsable<T> =>
        Entry(CommonOptions.Value<T>(name, description + "."), (value, recipe) => recipe with { Model = change(value, recipe.Model) });

    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) Training<T>(string name, string description, Func<T, NodeTrainingOptions, NodeTrainingOptions> change)
        where T : IParsable<T> =>
        Entry(CommonOptions.Value<T>(name, description + "."), (value, recipe) => recipe with { Training = change(value, recipe.Training) });

    // A recipe's value stays where the command line says nothing.
    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) Entry<T>(Option<T> option, Func<T, NodeRecipe, NodeRecipe> change) =>
        (option, (parsed, recipe) => parsed.GetResult(option) is { Implicit: false } ? change(parsed.GetValue(option)!, recipe) : recipe);
}
