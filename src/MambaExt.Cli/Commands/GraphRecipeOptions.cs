using System.CommandLine;
using MambaExt.Graph.Layers;
using MambaExt.Graph.Models;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Training;

namespace MambaExt.Cli.Commands;

/// <summary>Options of <c>graph train</c> that change the model's recipe for the data set. Each is named as in <c>config.json</c>; one that the
/// model has not is refused.</summary>
internal static class GraphRecipeOptions
{
    private static readonly List<(Option Option, Func<ParseResult, string, NodeRecipe, NodeRecipe> Apply)> Entries =
    [
        Entry<int>(CommonOptions.Value<int>("--d_model", "Width of every layer."), (v, r) => r with { Model = r.Model with { d_model = v } }),
        Of<int>("--d_state", "State size of the scans", (v, o) => o with { d_state = v }, (v, o) => o with { d_state = v }, (v, o) => o with { d_state = v }),
        Of<int>("--d_conv", "Taps of the convolutions", (v, o) => o with { d_conv = v }, (v, o) => o with { d_conv = v }, (v, o) => o with { d_conv = v }),
        Of<int>("--expand", "Inner width of a block over d_model", (v, o) => o with { expand = v }, (v, o) => o with { expand = v }, (v, o) => o with { expand = v }),
        Of<int>("--M", "Walks a token", (v, o) => o with { M = v }, (v, o) => o with { M = v }),
        Of<int>("--m", "Steps of the longest walk; 0: the vertex is its only token", (v, o) => o with { m = v }, (v, o) => o with { m = v }),
        Of<int>("--s", "Tokens a walk length", (v, o) => o with { s = v }, (v, o) => o with { s = v }),
        Mamba<string>("--token_encoder", $"What a token comes to: {string.Join(", ", TokenEncoder.Names)}", (v, o) => o with { token_encoder = v }),
        Mamba<int>("--encoder_layers", "Layers of token_encoder gatedgcn", (v, o) => o with { encoder_layers = v }),
        Mamba<string>("--direction", "Which way the scans of Graph Mamba go: both or forward", (v, o) => o with { direction = v }),
        Mamba<int>("--token_layers", "Bidirectional layers over the tokens of a vertex", (v, o) => o with { token_layers = v }),
        Mamba<int>("--node_layers", "Bidirectional layers over the vertices in order", (v, o) => o with { node_layers = v }),
        Mamba<string>("--readout", "What stands for a vertex after the token layers: last or mean", (v, o) => o with { readout = v }),
        Of<double>("--layer_scale", "First scale of each scan layer's contribution", (v, o) => o with { layer_scale = v }, (v, o) => o with { layer_scale = v }),
        Mamba<bool>("--scan_norm", "A layer norm before each scan layer", (v, o) => o with { scan_norm = v }),
        Mamba<bool>("--recompute", "Keep the inputs of scan layers alone and run them forward again in the backward pass: less memory, more time", (v, o) => o with { recompute = v }),
        Of<string>("--order", $"Scan order of the vertices: {string.Join(" or ", VertexOrders.Names)}", (v, o) => o with { order = v }, (v, o) => o with { order = v }, (v, o) => o with { order = v }),
        Of<bool>("--order_noise", "New noise among vertices that the order calls equal in each step of a training", (v, o) => o with { order_noise = v }, null, (v, o) => o with { order_noise = v }),
        Of<int>("--eval_orders", "Orders, each with its own noise, that evaluation takes the mean over", (v, o) => o with { eval_orders = v }, null, (v, o) => o with { eval_orders = v }),
        Of<string>("--form", "gmb as its code has it, or as its paper: code or paper", null, null, (v, o) => o with { form = v }),
        Of<bool>("--edge_states", "States of the edges in gmb", null, null, (v, o) => o with { edge_states = v }),
        Of<bool>("--encoder_bias", "Bias of gmb's linear map of the features", null, null, (v, o) => o with { encoder_bias = v }),
        Entry(CommonOptions.Choice("--mpnn", "Message passing beside the scan.", Words), OfMamba<string>((v, o) => o with { mpnn = Enum.Parse<MessagePassing>(v, ignoreCase: true) })),
        Mamba<int>("--mpnn_layers", "Layers or propagation steps of the message passing", (v, o) => o with { mpnn_layers = v }),
        Mamba<bool>("--mpnn_residual", "Residual connections and norms in the message passing", (v, o) => o with { mpnn_residual = v }),
        Mamba<double>("--teleport", "Share of its own prediction a vertex keeps in a step of appnp", (v, o) => o with { teleport = v }),
        Mamba<bool>("--propagate_scan", "With appnp: propagate the scan's result too", (v, o) => o with { propagate_scan = v }),
        Mamba<bool>("--late_fusion", "A head and a loss for each branch, logits averaged", (v, o) => o with { late_fusion = v }),
        Entry(CommonOptions.Choice("--conv", "Convolution of every block of a deep network.", DeepGraphOptions.Convolutions), OfDeep<string>((v, o) => o with { conv = v })),
        Deep<double>("--alpha", "With gcn2: what each layer keeps of what entered the first", (v, o) => o with { alpha = v }),
        Deep<double>("--theta", "With gcn2: how much of a weight matrix the layers have, ln(theta / layer + 1)", (v, o) => o with { theta = v }),
        Of<int>("--layers", "Blocks of a deep network, layers of gmb", null, (v, o) => o with { layers = v }, (v, o) => o with { layers = v }),
        Of<int>("--heads", "Heads of attention and gat", (v, o) => o with { heads = v }, (v, o) => o with { heads = v }),
        Deep<string>("--norm", "Norm of each block: none, layer or batch", (v, o) => o with { norm = v }),
        Deep<string>("--norm_place", "Norm before the convolution (pre) or behind it (post)", (v, o) => o with { norm_place = v }),
        Deep<string>("--residual", "Residual of each block: none, identity or linear", (v, o) => o with { residual = v }),
        Deep<string>("--activation", "relu or gelu", (v, o) => o with { activation = v }),
        Deep<bool>("--mlp", "A second linear layer behind each activation", (v, o) => o with { mlp = v }),
        Deep<bool>("--feed_forward", "A residual two-layer network at the end of each block", (v, o) => o with { feed_forward = v }),
        Deep<bool>("--attention", "Attention to all vertices beside each convolution", (v, o) => o with { attention = v }),
        Deep<bool>("--jumping", "The head reads the sum of all blocks", (v, o) => o with { jumping = v }),
        Deep<int>("--scan_every", "A bidirectional scan beside every so manieth convolution; 0: none", (v, o) => o with { scan_every = v }),
        Deep<int>("--depth_scan", "A bidirectional scan over what a vertex was after every so manieth block, the deepest first; 0: none", (v, o) => o with { depth_scan = v }),
        Deep<bool>("--token_stage", "A scan over random-walk tokens beside the input encoder", (v, o) => o with { token_stage = v }),
        Entry<double>(CommonOptions.Value<double>("--dropout", "Dropout of hidden features."), (v, r) => r with { Model = r.Model with { dropout = v } }),
        Entry<double>(CommonOptions.Value<double>("--input_dropout", "Dropout of input features."), (v, r) => r with { Model = r.Model with { input_dropout = v } }),
        Entry<double>(CommonOptions.Value<double>("--vertex_dropout", "Share of the vertices whose features a step does without."), (v, r) => r with { Model = r.Model with { vertex_dropout = v } }),
        Entry<int>(CommonOptions.Value<int>("--lap_pe", "Channels that encode the smallest eigenvectors of the Laplacian; 0: none."), (v, r) => r with { Model = r.Model with { lap_pe = v } }),
        Entry<int>(CommonOptions.Value<int>("--lap_eigs", "Eigenvectors that lap_pe reads."), (v, r) => r with { Model = r.Model with { lap_eigs = v } }),
        Entry<int>(CommonOptions.Value<int>("--rwse", "Channels that encode how often random walks return; 0: none."), (v, r) => r with { Model = r.Model with { rwse = v } }),
        Entry<int>(CommonOptions.Value<int>("--rwse_steps", "Steps of the longest walk that rwse reads."), (v, r) => r with { Model = r.Model with { rwse_steps = v } }),
        Entry<double>(CommonOptions.Value<double>("--label_inputs", "Share of the training vertices whose labels are an input in a step, while the loss is over the others; in evaluation all are. 0: none."), (v, r) => r with { Model = r.Model with { label_inputs = v } }),
        Entry<string>(CommonOptions.Value<string>("--pool", "Where whole graphs are classified: mean, sum or max of their vertices."), (v, r) => r with { Model = r.Model with { pool = v } }),
        Training<int>("--batch_size", "Where whole graphs are classified: graphs a step", (v, o) => o with { batch_size = v }),
        Training<int>("--parts", "Where the vertices of one graph are classified: parts that it is cut into, a step each; 1: the whole graph", (v, o) => o with { parts = v }),
        Training<int>("--accumulate", "Parts whose gradients make a step", (v, o) => o with { accumulate = v }),
        Training<int>("--epochs", "Most epochs", (v, o) => o with { epochs = v }),
        Training<int>("--patience", "Stop after so many epochs without a better validation score; 0: never", (v, o) => o with { patience = v }),
        Training<int>("--validate_every", "Validate every so many epochs", (v, o) => o with { validate_every = v }),
        Training<int>("--steps", "Most optimizer steps; 0: as many as the epochs have", (v, o) => o with { steps = v }),
        Training<string>("--optimizer", "adamw, adam (whose weight decay is part of the gradient) or sgd", (v, o) => o with { optimizer = v }),
        Training<double>("--learning_rate", "Largest learning rate", (v, o) => o with { learning_rate = v }),
        Training<double>("--weight_decay", "Weight decay", (v, o) => o with { weight_decay = v }),
        Training<double>("--momentum", "Momentum of sgd", (v, o) => o with { momentum = v }),
        Training<bool>("--nesterov", "Nesterov's momentum, of sgd", (v, o) => o with { nesterov = v }),
        Training<string>("--schedule", "Learning rate over the steps: constant, cosine or step", (v, o) => o with { schedule = v }),
        Training<int>("--warmup_steps", "Steps over which the learning rate rises from 0", (v, o) => o with { warmup_steps = v }),
        Training<double>("--final_learning_rate", "Where cosine ends, as a share of the largest", (v, o) => o with { final_learning_rate = v }),
        Training<int>("--decay_epochs", "Epochs between two decays of step", (v, o) => o with { decay_epochs = v }),
        Training<double>("--decay_factor", "What a decay of step multiplies by", (v, o) => o with { decay_factor = v }),
        Training<double>("--clip", "Largest gradient norm; 0: any", (v, o) => o with { clip = v }),
        Training<double>("--ema", "Decay of a moving average of the weights, which is validated and kept; 0: none", (v, o) => o with { ema = v }),
        Training<bool>("--normalise_features", "Divide feature rows by their sums", (v, o) => o with { normalise_features = v }),
        Training<double>("--consistency", "What the distance between the predictions of several passes of a step counts in the loss, over all vertices; 0: none", (v, o) => o with { consistency = v }),
        Training<int>("--consistency_draws", "Passes of a step with consistency", (v, o) => o with { consistency_draws = v }),
        Training<double>("--consistency_temperature", "Temperature that sharpens their mean", (v, o) => o with { consistency_temperature = v }),
        Training<string>("--class_weights", "What classes count in the loss: none (as often as they occur) or balanced", (v, o) => o with { class_weights = v }),
    ];

    public static IEnumerable<Option> All => Entries.Select(e => e.Option);

    /// <summary>The recipe of <paramref name="model"/> with what the command line says.</summary>
    /// <exception cref="ArgumentException">An option was given that the model has not.</exception>
    public static NodeRecipe Apply(ParseResult parsed, string model, NodeRecipe recipe) => Entries.Aggregate(recipe, (r, entry) => entry.Apply(parsed, model, r));

    private static IEnumerable<string> Words => Enum.GetNames<MessagePassing>().Select(name => name.ToLowerInvariant());

    private static (Option, Func<ParseResult, string, NodeRecipe, NodeRecipe>) Mamba<T>(string name, string description, Func<T, GraphMambaOptions, GraphMambaOptions> change)
        where T : IParsable<T> => Entry(CommonOptions.Value<T>(name, description + "."), OfMamba(change));

    private static (Option, Func<ParseResult, string, NodeRecipe, NodeRecipe>) Deep<T>(string name, string description, Func<T, DeepGraphOptions, DeepGraphOptions> change)
        where T : IParsable<T> => Entry(CommonOptions.Value<T>(name, description + "."), OfDeep(change));

    /// <summary>An option of some of the kinds of models.</summary>
    private static (Option, Func<ParseResult, string, NodeRecipe, NodeRecipe>) Of<T>(
        string name, string description, Func<T, GraphMambaOptions, GraphMambaOptions>? mamba, Func<T, DeepGraphOptions, DeepGraphOptions>? deep, Func<T, GmbOptions, GmbOptions>? gmb = null)
        where T : IParsable<T> => Entry(CommonOptions.Value<T>(name, description + "."), (value, recipe) => recipe.Model switch
        {
            GraphMambaOptions options when mamba is not null => recipe with { Model = mamba(value, options) },
            DeepGraphOptions options when deep is not null => recipe with { Model = deep(value, options) },
            GmbOptions options when gmb is not null => recipe with { Model = gmb(value, options) },
            _ => null,
        });

    private static (Option, Func<ParseResult, string, NodeRecipe, NodeRecipe>) Training<T>(string name, string description, Func<T, NodeTrainingOptions, NodeTrainingOptions> change)
        where T : IParsable<T> =>
        Entry<T>(CommonOptions.Value<T>(name, description + "."), (value, recipe) => recipe with { Training = change(value, recipe.Training) });

    private static Func<T, NodeRecipe, NodeRecipe?> OfMamba<T>(Func<T, GraphMambaOptions, GraphMambaOptions> change) =>
        (value, recipe) => recipe.Model is GraphMambaOptions options ? recipe with { Model = change(value, options) } : null;

    private static Func<T, NodeRecipe, NodeRecipe?> OfDeep<T>(Func<T, DeepGraphOptions, DeepGraphOptions> change) =>
        (value, recipe) => recipe.Model is DeepGraphOptions options ? recipe with { Model = change(value, options) } : null;

    // A recipe's value stays where the command line says nothing.
    private static (Option, Func<ParseResult, string, NodeRecipe, NodeRecipe>) Entry<T>(Option<T> option, Func<T, NodeRecipe, NodeRecipe?> change) =>
        (option, (parsed, model, recipe) => parsed.GetResult(option) is not { Implicit: false } ? recipe
            : change(parsed.GetValue(option)!, recipe) ?? throw new ArgumentException($"{option.Name} was given, which {model} has not; leave it out, or choose another --model."));
}
