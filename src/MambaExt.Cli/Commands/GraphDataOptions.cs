using System.CommandLine;
using System.CommandLine.Parsing;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.DataSets.Own;
using MambaExt.Graph.Training;

namespace MambaExt.Cli.Commands;

/// <summary>Options that say which graph a command works on: a data set by name, or files of the user's own.</summary>
internal sealed class GraphDataOptions
{
    public const string DataName = "--data", GraphName = "--graph";

    private static readonly (string Word, SplitKind Kind)[] Kinds =
        [("own", SplitKind.Own), ("public", SplitKind.Public), ("random", SplitKind.Random), ("geom-gcn", SplitKind.GeomGcn)];

    private readonly bool _training;
    private readonly GraphUse _use;
    private readonly Option<string?> _dataSet;
    private readonly Option<string?> _data = GraphCommands.Data();
    private readonly Option<string?> _graph = File(GraphName, "A graph of your own: CSV or TSV, two vertices a line (source, target), named by numbers or words.");
    private readonly Option<string?> _features = File("--features", "With --graph: features of the vertices, CSV, .npy or .npz (default: their degree).");
    private readonly Option<string?> _labels = File("--labels", "With --graph: classes of the vertices, CSV (class, or vertex and class) or .npy.");
    private readonly Option<string?> _splitFile = File("--split-file", "With --graph: CSV of train, valid, test (or vertex and part), or .npz of index arrays or masks (default: random).");
    private readonly Option<string> _header = CommonOptions.Choice("--header", "With --graph: whether text files begin with names of columns (default: auto).", "auto", "yes", "no");
    private readonly Option<string> _metric = CommonOptions.Choice("--metric", "With --graph: the score (default: accuracy).", "accuracy", "roc-auc");
    private readonly Option<string> _split = CommonOptions.Choice("--split", "Which splits: those that come with the data, or random ones (default: own).", Kinds.Select(k => k.Word));
    private readonly Option<int> _splitSeed = CommonOptions.Number("--split-seed", "N", "Seed of random splits (default: 0).", 0, int.MaxValue);

    /// <param name="use">What is wanted</param>
    public GraphDataOptions(GraphUse use)
    {
        (_use, _training) = (use, use == GraphUse.Training);
        string names = use != GraphUse.Prediction ? $"Required, unless --graph is given: {GraphCommands.Names}." : $"{GraphCommands.Names} (default: the one the model was trained on).";
        _dataSet = new Option<string?>("--dataset") { Description = names, HelpName = "NAME" };
    }

    public IEnumerable<Option> All => _use switch
    {
        GraphUse.Training => [_dataSet, _data, _graph, _features, _labels, _splitFile, _header, _metric, _split, _splitSeed],
        GraphUse.Prediction => [_dataSet, _data, _graph, _features, _header],
        _ => [_dataSet, _data, _graph, _header],
    };

    /// <summary>Options whose value is a path.</summary>
    public IReadOnlyList<Option<string?>> Paths => [_data, _graph, _features, _labels, _splitFile];

    /// <summary>Adds the error of options that do not go together.</summary>
    public void Check(CommandResult result)
    {
        bool own = result.GetResult(_graph) is not null;
        Option[] needed = [_features, _labels, _splitFile, _header, _metric];
        if (own && (Given(_dataSet) ?? Given(_data)) is { } other)
        {
            result.AddError($"--graph reads files of your own and {other.Name} belongs to a data set of the library; give one of the two.");
        }
        else if (!own && needed.Select(Given).FirstOrDefault(option => option is not null) is { } alone)
        {
            result.AddError($"{alone.Name} belongs to a graph of your own; give --graph FILE too.");
        }
        else if (_training && own && Given(_labels) is null)
        {
            result.AddError("--graph is given without --labels; name the file that has a class for each vertex.");
        }
        else if (_use != GraphUse.Prediction && !own && Given(_dataSet) is null)
        {
            result.AddError($"--dataset is missing; known are {GraphCommands.Names}, and --graph FILE reads one of your own.");
        }

        Option? Given(Option option) => result.GetResult(option) is { Implicit: false } ? option : null;
    }

    /// <summary>The data set to train on.</summary>
    public ClassificationTask Load(ParseResult arguments)
    {
        var split = new SplitOptions(Kinds.FirstOrDefault(k => k.Word == arguments.GetValue(_split)).Kind, (ulong)arguments.GetValue(_splitSeed));
        ClassificationTask data = arguments.GetValue(_graph) is null
            ? ClassificationTask.Load(arguments.GetValue(_dataSet)!, arguments.GetValue(_data), split)
            : new VertexClassification(OwnGraph.Load(Files(arguments), split));
        return arguments.GetResult(_splitSeed) is not { Implicit: false } || data.SplitKind == "random"
            ? data
            : throw new ArgumentException($"--split-seed is {split.Seed}, and the splits of {data.Name} are not drawn; add --split random.");
    }

    /// <summary>The graph to predict on; without options that of the model's training.</summary>
    public OwnVertices LoadVertices(ParseResult arguments, string trainedOn)
    {
        if (arguments.GetValue(_graph) is not null)
        {
            OwnVertices own = OwnGraph.LoadVertices(Files(arguments));
            return own with { Notes = [$"graph: {own.Graph.Summary}", .. own.Notes] };
        }

        string name = arguments.GetValue(_dataSet) ?? trainedOn;
        if (arguments.GetValue(_dataSet) is null && GraphDataSets.All.All(info => info.Name != name))
        {
            throw new ArgumentException($"The model was trained on a graph of somebody's own, '{name}'; give --graph FILE, and --features FILE if it had features.");
        }

        NodeDataSet data = GraphDataSets.Load(name, arguments.GetValue(_data));
        return new OwnVertices(data.Name, data.Graph, data.Features, data.VertexNames, data.Files, [data.Summary]);
    }

    /// <summary>A graph, or the graphs of a set end to end, as they are.</summary>
    public OwnVertices LoadStructure(ParseResult arguments)
    {
        if (arguments.GetValue(_graph) is null && GraphDataSets.Find(arguments.GetValue(_dataSet)!).Task == GraphTask.Graphs)
        {
            GraphDataSet graphs = GraphDataSets.LoadGraphs(arguments.GetValue(_dataSet)!, arguments.GetValue(_data));
            return new OwnVertices(graphs.Name, graphs.Packed.Graph, graphs.Packed.Features, null, graphs.Files, [graphs.Summary]);
        }

        return LoadVertices(arguments, "");
    }

    /// <summary>The graphs to predict on; without options those of the model's training.</summary>
    public GraphDataSet LoadGraphs(ParseResult arguments, string trainedOn) => arguments.GetValue(_graph) is null
        ? GraphDataSets.LoadGraphs(arguments.GetValue(_dataSet) ?? trainedOn, arguments.GetValue(_data))
        : throw new ArgumentException($"--graph is one graph whose vertices are classified, and the model classifies whole graphs; give --dataset NAME, one of {GraphDataSets.Names(GraphTask.Graphs)}, or use GraphClassifier from code.");

    private static Option<string?> File(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "FILE",
        CustomParser = result => string.IsNullOrWhiteSpace(result.Tokens[0].Value) ? CommonOptions.Refuse<string>(result, name, "", "give a file") : result.Tokens[0].Value,
    };

    private OwnGraphFiles Files(ParseResult arguments) => new(arguments.GetValue(_graph)!)
    {
        Features = _use == GraphUse.Structure ? null : arguments.GetValue(_features),
        Labels = _training ? arguments.GetValue(_labels) : null,
        Split = _training ? arguments.GetValue(_splitFile) : null,
        Header = arguments.GetValue(_header) switch { "yes" => HeaderLine.Yes, "no" => HeaderLine.No, _ => HeaderLine.Auto },
        Metric = _training && arguments.GetValue(_metric) == "roc-auc" ? NodeMetric.RocAuc : NodeMetric.Accuracy,
    };
}
