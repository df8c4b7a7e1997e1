using MambaExt.Data;
using MambaExt.Graph.DataSets.Loaders;
using MambaExt.Graph.Graphs;
using MambaExt.Kernels;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>Reads a graph from files of the user's own. Every mistake is a sentence with the file and, in text, the line.</summary>
public static class OwnGraph
{
    /// <summary>A data set to train on.</summary>
    /// <param name="files">With edges and labels.</param>
    /// <param name="split">Random splits and their seed; null for the split file, or where there is none ten random splits.</param>
    /// <exception cref="InvalidDataException">The files do not agree, or hold what they should not.</exception>
    /// <exception cref="FileNotFoundException">A file is absent.</exception>
    public static NodeDataSet Load(OwnGraphFiles files, SplitOptions? split = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        split ??= new SplitOptions();
        OwnColumn column = OwnColumn.Read(
            files.Labels ?? throw new ArgumentException("No classes were given; name the file that has one a vertex (--labels FILE)."), files.Header, HeaderWords.IsClass, "a class");
        if (split.Kind == SplitKind.GeomGcn || (split.Kind == SplitKind.Public && files.Split is null))
        {
            throw new ArgumentException("A graph of one's own has no public and no geom-gcn splits; give a split file, or take random ones.");
        }

        OwnVertices own = Vertices(files, column);
        var notes = new List<string>(own.Notes);
        (int[] labels, string[] classes) = OwnLabels.Of(column, own, notes);
        bool random = files.Split is null || split.Kind == SplitKind.Random;
        IReadOnlyList<NodeSplit> splits = random ? RandomSplits.Share(labels, split.Seed) : OwnSplit.Read(files.Split!, files.Header, own, labels);
        if (random)
        {
            notes.Add($"splits drawn at random, 60 / 20 / 20 %, seed {split.Seed}");
        }

        DataSetFile[] read = [.. own.Files, DataSetFile.Of(files.Labels), .. random ? Array.Empty<DataSetFile>() : [DataSetFile.Of(files.Split!)]];
        return new NodeDataSet(own.Name, own.Graph, own.Features, labels, classes.Length, splits, files.Metric, DataVariant.Own, read)
        {
            ClassNames = classes,
            VertexNames = own.VertexNames,
            SplitKind = random ? "random" : "own",
            Notes = notes,
        };
    }

    /// <summary>Graph and features alone, for a prediction.</summary>
    /// <param name="files">With edges; labels, where given, only say which vertices there are.</param>
    public static OwnVertices LoadVertices(OwnGraphFiles files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return Vertices(files, files.Labels is null ? null : OwnColumn.Read(files.Labels, files.Header, HeaderWords.IsClass, "a class"));
    }

    private static OwnVertices Vertices(OwnGraphFiles files, OwnColumn? labels)
    {
        OwnEdges edges = OwnEdges.Read(files.Edges, files.Header);
        var notes = new List<string>(edges.Notes);
        OwnFeatures? features = files.Features is null ? null : OwnFeatures.Read(files.Features, files.Header, edges.AreNumbers, notes);
        string[]? names = Names(edges, features, labels, files);
        int count = names?.Length ?? features?.Features.Rows ?? labels?.Words.Length ?? edges.Names.Max(OwnEdges.Number) + 1;
        DataSetFile[] read = [DataSetFile.Of(files.Edges), .. files.Features is null ? Array.Empty<DataSetFile>() : [DataSetFile.Of(files.Features)]];
        string name = Path.GetFileNameWithoutExtension(files.Edges);
        var own = new OwnVertices(name, CsrGraph.FromArcs(0, [], []), features?.Features ?? NodeFeatures.Of([], 0, 1), names, read, notes);
        string where = features is not null ? Path.GetFileName(files.Features!) : labels?.File ?? edges.File;
        CsrGraph graph = edges.ToGraph(count, own.Find, names is null ? Invariant($"0 to {count - 1}, as {where} has {count} rows") : $"the vertices that {where} names");
        if (features is null)
        {
            notes.Add("there are no features, so a constant and the logarithm of the degree stand for them");
        }

        return own with { Graph = graph, Features = features?.Features ?? Degrees(graph) };
    }

    /// <summary>Names of the vertices in their order: that of the features, else of the labels and then the edges; null where they are numbers.</summary>
    private static string[]? Names(OwnEdges edges, OwnFeatures? features, OwnColumn? labels, OwnGraphFiles files)
    {
        if (features?.Names is { } rows)
        {
            return Distinct(rows, features.Lines!, Path.GetFileName(files.Features!), edges);
        }

        if (features is not null || (labels is not null && labels.Names is null))
        {
            string file = features is not null ? Path.GetFileName(files.Features!) : labels!.File;
            return edges.AreNumbers ? null : throw new InvalidDataException(
                $"{edges.FirstWord}, and {file} has rows without names, for vertices 0, 1, 2 and so on; number the vertices, or add a column that names them.");
        }

        return labels is null && edges.AreNumbers
            ? null
            : [.. labels is null ? [] : Distinct(labels.Names!, labels.Lines!, labels.File, edges), .. edges.Names.Except(labels?.Names ?? [])];
    }

    private static string[] Distinct(string[] names, int[] lines, string file, OwnEdges edges)
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < names.Length; i++)
        {
            if (!seen.Add(names[i]))
            {
                string why = edges.AreNumbers ? "" : $", whose first column holds names as {edges.FirstWord}";
                throw new InvalidDataException($"{file}, line {lines[i]}: found the vertex {BadFile.Quote(names[i])} a second time{why}; allowed is one line a vertex; take one of them out.");
            }
        }

        return names;
    }

    private static NodeFeatures Degrees(CsrGraph graph)
    {
        var values = new float[2 * graph.VertexCount];
        for (int v = 0; v < graph.VertexCount; v++)
        {
            (values[2 * v], values[(2 * v) + 1]) = (1, MathF.Log(1 + graph.Degree(v)));
        }

        return NodeFeatures.Of(values, graph.VertexCount, 2);
    }
}
