namespace MambaExt.Graph.Orders;

/// <summary>Scan orders by name.</summary>
public static class VertexOrders
{
    private static readonly IVertexOrder[] Known = [new DegreeOrder(), new RandomOrder(), new PageRankOrder(), new PersonalizedPageRankOrder(), new CoreOrder()];

    /// <summary>Names that <see cref="Named"/> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Select(order => order.Name)];

    /// <summary>The rule of that name.</summary>
    public static IVertexOrder Named(string name) =>
        Known.FirstOrDefault(order => order.Name == name) ?? throw new ArgumentException($"There is no order '{name}'; allowed are {string.Join(", ", Names)}.");
}
