using MambaExt.Blocks;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using static System.FormattableString;

namespace MambaExt.Graph.Training;

/// <summary>
/// What a training step holds in memory at its worst, told before it starts: the tensors that layers keep for the backward pass, the gradients of the
/// largest layer at once, the graph and its features, and the process itself. A count of rows and channels, meant to be right within a third.
/// </summary>
public static class MemoryEstimate
{
    // A process with libtorch that has run one step of a tiny model.
    private const double Process = 0.35e9;

    // Memory between the tensors, and what is computed on the way to those that are kept.
    private const double Overhead = 1.2;

    // Of two matrices of neighbours and their transposes, with values; and of the graph and what is drawn from it.
    private const double BytesPerArc = 48, BytesPerVertex = 200;

    // A vertex of a token: its number and its weight, there and in the transpose.
    private const double BytesPerVisit = 20;

    /// <summary>Bytes of a step over a graph, or over graphs packed end to end.</summary>
    /// <param name="model">Sizes and switches</param>
    /// <param name="vertices">V</param>
    /// <param name="arcs">2E</param>
    /// <param name="featureValues">Features that are stored</param>
    /// <param name="parts">Parts that the graph is cut into</param>
    /// <param name="passes">Forward passes of a step, all of which are kept</param>
    public static double Bytes(GraphModelOptions model, long vertices, long arcs, long featureValues, int parts = 1, int passes = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        var (kept, largest, drawn) = model switch
        {
            GraphMambaOptions options => Of(options, vertices, (double)arcs / Math.Max(1, vertices), (double)vertices / parts),
            GmbOptions options => Of(options, (double)arcs / Math.Max(1, vertices)),
            DeepGraphOptions options => Of(options, (double)arcs / Math.Max(1, vertices)),
            _ => default,
        };
        double rows = sizeof(float) * Overhead * ((passes * kept) + (2 * largest)) * vertices / parts;
        return Process + rows + (drawn * vertices) + (BytesPerArc * arcs) + (BytesPerVertex * vertices) + (12.0 * featureValues);
    }

    /// <summary>A sentence with the estimate for a log.</summary>
    public static string Describe(double bytes) => Invariant($"memory: about {Gigabytes(bytes)} for a training step, of {Gigabytes(Available)}");

    /// <summary>Refuses a training that will not fit.</summary>
    /// <exception cref="ArgumentException">It needs more than the memory of the machine.</exception>
    public static void Require(double bytes, string remedy)
    {
        if (bytes > Available)
        {
            throw new ArgumentException(Invariant($"A training step needs about {Gigabytes(bytes)} and there are {Gigabytes(Available)}; {remedy}."));
        }
    }

    /// <summary>Of a data set whose vertices are classified.</summary>
    internal static double Bytes(NodeDataSet data, NodeRecipe recipe) => Bytes(
        recipe.Model, data.Graph.VertexCount, data.Graph.ArcCount, Stored(data.Features), recipe.Training.parts, recipe.Training.consistency > 0 ? recipe.Training.consistency_draws : 1);

    /// <summary>Of a data set whose graphs are classified: a batch is taken to be of graphs of the mean size.</summary>
    internal static double Bytes(GraphDataSet data, NodeRecipe recipe)
    {
        double share = Math.Min(1, (double)recipe.Training.batch_size / data.Count);
        long vertices = data.Packed.Graph.VertexCount, arcs = data.Packed.Graph.ArcCount;
        return Bytes(recipe.Model, (long)(share * vertices) + 1, (long)(share * arcs) + 1, Stored(data.Packed.Features));
    }

    private static double Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    private static long Stored(NodeFeatures features) => features.Sparse?.EntryCount ?? features.Dense!.LongLength;

    private static string Gigabytes(double bytes) => Invariant($"{bytes / 1e9:f1} GB");

    // Floats a vertex that are kept, floats a vertex of the largest layer, bytes a vertex of tokens, which are drawn once.
    private static (double Kept, double Largest, double Drawn) Of(GraphMambaOptions o, double vertices, double degree, double rows)
    {
        double d = o.d_model, kept = 2 * d, largest = d, drawn = 0;
        if (o.scan)
        {
            double tokens = (o.s * (double)o.m) + 1, layer = Scan(o.Block, o.direction == "both");
            double steps = (0.5 * o.M * o.s * o.m * (o.m + 1.0)) + 1, visits = Enumerable.Range(1, o.m).Sum(length => o.s * Math.Min(1 + ((double)o.M * length), vertices)) + 1;
            double inside = o.token_encoder switch
            {
                "gatedgcn" => visits * d * 9 * o.encoder_layers,
                "rwf" => (steps + ((double)o.M * o.s * o.m)) * d * 5,
                _ => 0,
            };
            kept += tokens * d;
            drawn = BytesPerVisit * visits;
            if (o.recompute)
            {
                // So many sequences, or rows of an encoder, at a time; one long scan frees its parts as it goes.
                double share = Math.Min(1, (1 << 16) / rows), part = Math.Min(1, (1 << 19) / (rows * Math.Max(1, visits)));
                kept += d * ((3 * o.token_layers * tokens) + (3 * o.node_layers));
                largest = Math.Max(Math.Max(o.node_layers > 0 ? 0.6 * layer : 0, o.token_layers > 0 ? share * tokens * layer : 0), part * inside);
            }
            else
            {
                kept += inside + (layer * ((tokens * o.token_layers) + o.node_layers));
                largest = Math.Max(Math.Max(largest, layer), 0.2 * inside / o.encoder_layers);
            }
        }

        double conv = o.mpnn switch
        {
            MessagePassing.None => 0,
            MessagePassing.Appnp => d,
            MessagePassing.Sage => 4 * d,
            _ => Convolution(o.mpnn.ToString().ToLowerInvariant(), d, o.heads, degree),
        };
        kept += o.mpnn_layers * (conv + (o.mpnn_residual ? 3 * d : d));
        return (kept, Math.Max(largest, conv), drawn);
    }

    private static (double Kept, double Largest, double Drawn) Of(DeepGraphOptions o, double degree)
    {
        double d = o.d_model, scan = Scan(o.Block, both: true);
        double block = Convolution(o.conv, d, o.heads, degree) + (o.residual == "none" ? 0 : d) + (o.norm == "none" ? 0 : d) + (o.dropout > 0 ? d : 0)
            + (o.mlp ? 2 * d : 0) + (o.feed_forward ? 8 * d : 0) + (o.attention ? 5 * d : 0) + d;
        double scans = (o.scan_every > 0 ? o.layers / o.scan_every : 0) + (o.depth_scan > 0 ? (o.layers / o.depth_scan) + 1 : 0) + (o.token_stage ? (o.s * (double)o.m) + 1 : 0);
        return ((3 * d) + (o.layers * block) + (scans * scan), block + (o.Scans ? scan : 0), o.token_stage ? BytesPerVisit * o.M * o.s * o.m * o.m : 0);
    }

    private static (double Kept, double Largest, double Drawn) Of(GmbOptions o, double degree)
    {
        double d = o.d_model, layer = Convolution("gatedgcn", d, 1, degree) + Block(o.Block) + (16 * d) + (o.edge_states ? 3 * d * degree : 0);
        return ((2 * d) + (o.layers * layer), layer, 0);
    }

    /// <summary>Floats a vertex that a convolution keeps.</summary>
    private static double Convolution(string conv, double d, int heads, double degree) => conv switch
    {
        "linear" => d,
        "gcn" => 2 * d,
        "sage" => 3 * d,
        "gat" => (3 * d) + (4 * heads * (degree + 1)),
        "gatedgcn" => 7 * d,
        _ => 5 * d,
    };

    /// <summary>Floats a row of a scan layer: norm, directions, their sum and its map, what it is scaled to, the residual sum.</summary>
    private static double Scan(MambaOptions block, bool both) => ((both ? 2 : 1) * Block(block)) + (5.0 * block.d_model);

    /// <summary>Floats a row of a Mamba block: both halves of in_proj, the convolution, x_proj, dt_proj, the scan, out_proj.</summary>
    private static double Block(MambaOptions block) => (5.0 * block.d_inner) + block.Rank + (2.0 * block.d_state) + block.d_model;
}
