using System.CommandLine;
using System.Numerics;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;

namespace MambaExt.Cli.Commands;

/// <summary>Options of <c>graph train</c> that change the data set's recipe. Each is named as in <c>config.json</c>.</summary>
internal static class GraphModelOptions
{
    private static readonly List<(Option Option, Func<ParseResult, NodeRecipe, NodeRecipe> Apply)> Entries =
    [
        ModelNumber<int>("--d_model", "Width of every layer", (v, o) => o with { d_model = v }),
        ModelNumber<int>("--d_state", "State size of the scans", (v, o) => o with { d_state = v }),
        ModelNumber<int>("--d_conv", "Taps of the convolutions", (v, o) => o with { d_conv = v }),
        ModelNumber<int>("--expand", "Inner width of a block over d_model", (v, o) => o with { expand = v }),
        ModelNumber<int>("--M", "Walks a token", (v, o) => o with { M = v }),
        ModelNumber<int>("--m", "Steps of the longest walk; 0: the vertex is its only token", (v, o) => o with { m = v }),
        ModelNumber<int>("--s", "Tokens a walk length", (v, o) => o with { s = v }),
        ModelNumber<int>("--token_layers", "Bidirectional layers over the tokens of a vertex", (v, o) => o with { token_layers = v }),
        ModelNumber<int>("--node_layers", "Bidirectional layers over the vertices in order", (v, o) => o with { node_layers = v }),
        Entry(CommonOptions.Choice("--order", "Scan order of the vertices.", "degree", "random"), (v, r) => r with { Model = r.Model with { order = v } }),
        Entry(CommonOptions.Choice("--mpnn", "Message passing beside the scan.", Words), (v, r) => r with { Model = r.Model with { mpnn = Enum.Parse<MessagePassing>(v, ignoreCase: true) } }),
        ModelNumber<int>("--mpnn_layers", "Layers or propagation steps of the message passing", (v, o) => o with { mpnn_layers = v }),
        ModelSwitch("--mpnn_residual", "Residual connections and norms in the message passing", (v, o) => o with { mpnn_residual = v }),
        ModelNumber<double>("--teleport", "Share of its own prediction a vertex keeps in a step of appnp", (v, o) => o with { teleport = v }),
        ModelNumber<double>("--dropout", "Dropout of hidden features", (v, o) => o with { dropout = v }),
        ModelNumber<double>("--input_dropout", "Dropout of input features", (v, o) => o with { input_dropout = v }),
        TrainingNumber<int>("--epochs", "Most epochs", (v, o) => o with { epochs = v }),
        TrainingNumber<int>("--patience", "Stop after so many epochs without a better validation score; 0: never", (v, o) => o with { patience = v }),
        TrainingNumber<int>("--validate_every", "Validate every so many epochs", (v, o) => o with { validate_every = v }),
        TrainingNumber<double>("--learning_rate", "Learning rate of AdamW", (v, o) => o with { learning_rate = v }),
        TrainingNumber<double>("--weight_decay", "Weight decay", (v, o) => o with { weight_decay = v }),
        TrainingNumber<double>("--clip", "Largest gradient norm; 0: any", (v, o) => o with { clip = v }),
        TrainingSwitch("--normalise_features", "Divide feature rows by their sums", (v, o) => o with { normalise_features = v }),
    ];

    public static IEnumerable<Option> All => Entries.Select(e => e.Option);

    /// <summary>The recipe with what the command line says.</summary>
    public static NodeRecipe Apply(ParseResult parsed, NodeRecipe recipe) => Entries.Aggregate(recipe, (r, entry) => entry.Apply(parsed, r));

    private static IEnumerable<string> Words => Enum.GetNames<MessagePassing>().Select(name => name.ToLowerInvariant());

    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) ModelNumber<T>(string name, string description, Func<T, GraphMambaOptions, GraphMambaOptions> change)
        where T : struct, INumber<T> =>
        Entry(Number<T>(name, description), (value, recipe) => recipe with { Model = change(value, recipe.Model) });

    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) TrainingNumber<T>(string name, string description, Func<T, NodeTrainingOptions, NodeTrainingOptions> change)
        where T : struct, INumber<T> =>
        Entry(Number<T>(name, description), (value, recipe) => recipe with { Training = change(value, recipe.Training) });

    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) ModelSwitch(string name, string description, Func<bool, GraphMambaOptions, GraphMambaOptions> change) =>
        Entry(Switch(name, description), (value, recipe) => recipe with { Model = change(value, recipe.Model) });

    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) TrainingSwitch(string name, string description, Func<bool, NodeTrainingOptions, NodeTrainingOptions> change) =>
        Entry(Switch(name, description), (value, recipe) => recipe with { Training = change(value, recipe.Training) });

    private static Option<T> Number<T>(string name, string description)
        where T : struct, INumber<T> =>
        CommonOptions.Number<T>(name, "n", description + ".");

    private static Option<bool> Switch(string name, string description) => new(name) { Description = description + " (true or false).", HelpName = "bool" };

    // A recipe's value stays where the command line says nothing.
    private static (Option, Func<ParseResult, NodeRecipe, NodeRecipe>) Entry<T>(Option<T> option, Func<T, NodeRecipe, NodeRecipe> change) =>
        (option, (parsed, recipe) => parsed.GetResult(option) is { Implicit: false } ? change(parsed.GetValue(option)!, recipe) : recipe);
}
