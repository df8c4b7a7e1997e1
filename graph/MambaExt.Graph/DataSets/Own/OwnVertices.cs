using MambaExt.Data;
using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>A user's own graph before its classes: who its vertices are, how they are joined, what is known of each.</summary>
/// <param name="Name">Name of the edge file without its ending.</param>
/// <param name="Graph">V vertices.</param>
/// <param name="Features">[V, F].</param>
/// <param name="VertexNames">A name a vertex, or null where vertices are the numbers of the files.</param>
/// <param name="Files">What it was read from.</param>
/// <param name="Notes">What was found and how it was handled.</param>
public sealed record OwnVertices(
    string Name, CsrGraph Graph, NodeFeatures Features, IReadOnlyList<string>? VertexNames, IReadOnlyList<DataSetFile> Files, IReadOnlyList<string> Notes)
{
    private readonly Lazy<Dictionary<string, int>?> places = new(() => VertexNames?.Select((name, v) => (name, v)).ToDictionary(pair => pair.name, pair => pair.v));

    /// <summary>The vertex of a name, or -1.</summary>
    public int Find(string name) => places.Value is null ? OwnEdges.Number(name) : places.Value.GetValueOrDefault(name, -1);
}
