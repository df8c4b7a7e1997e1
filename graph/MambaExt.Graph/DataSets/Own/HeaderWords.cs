using System.Globalization;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>Usual names of columns, by which a header is known.</summary>
internal static class HeaderWords
{
    private static readonly string[] Vertex = ["id", "node", "vertex", "name", "node_id", "vertex_id", "nodeid", "vertexid", "node_name", "index"];
    private static readonly string[] Ends = ["source", "target", "from", "to", "src", "dst", "start", "end", "node1", "node2", "id1", "id2", "node_1", "node_2", "head", "tail", "a", "b", "u", "v", .. Vertex];
    private static readonly string[] Class = ["label", "class", "y", "target", "category", "labels", "node_label"];
    private static readonly string[] Part = ["split", "part", "set", "subset", "fold", "mask", "role"];

    public static bool IsVertex(string cell) => Vertex.Contains(cell.ToLowerInvariant());

    public static bool IsEnd(string cell) => Ends.Contains(cell.ToLowerInvariant());

    public static bool IsClass(string cell) => Class.Contains(cell.ToLowerInvariant());

    public static bool IsPart(string cell) => Part.Contains(cell.ToLowerInvariant());

    public static bool IsInteger(string cell) => long.TryParse(cell, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);

    public static bool TryReal(string cell, out float value) => float.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);
}
