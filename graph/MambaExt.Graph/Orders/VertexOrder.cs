namespace MambaExt.Graph.Orders;

/// <summary>A scan order as data: which vertex stands where, and where each vertex stands. Gathering rows with
/// <see cref="Permutation"/> sorts them, gathering the result with <see cref="Inverse"/> puts them back.</summary>
public sealed class VertexOrder
{
    /// <summary>Checks <paramref name="permutation"/> and inverts it.</summary>
    /// <param name="permutation">Vertex at each position, [V]; kept, not copied.</param>
    public VertexOrder(long[] permutation)
    {
        ArgumentNullException.ThrowIfNull(permutation);
        Permutation = permutation;
        Inverse = new long[permutation.Length];
        Array.Fill(Inverse, -1);
        for (int position = 0; position < permutation.Length; position++)
        {
            long vertex = permutation[position];
            if ((ulong)vertex >= (ulong)permutation.Length || Inverse[vertex] >= 0)
            {
                throw new ArgumentException($"Position {position} of an order names vertex {vertex}, which is {((ulong)vertex < (ulong)permutation.Length ? "named before" : "not in the graph")}; an order names each of 0 to {permutation.Length - 1} once.");
            }

            Inverse[vertex] = position;
        }
    }

    /// <summary>Vertex at each position, [V].</summary>
    public long[] Permutation { get; }

    /// <summary>Position of each vertex, [V].</summary>
    public long[] Inverse { get; }
}
