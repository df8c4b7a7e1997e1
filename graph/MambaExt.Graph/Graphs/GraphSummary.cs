using static System.FormattableString;

namespace MambaExt.Graph.Graphs;

/// <summary>What a graph was built from, what was dropped, and its size.</summary>
/// <param name="Vertices">Vertices, V.</param>
/// <param name="Edges">Unique undirected edges without self-loops, E.</param>
/// <param name="ArcsGiven">Arcs that were given.</param>
/// <param name="SelfLoopsDropped">Arcs from a vertex to itself.</param>
/// <param name="RepeatsDropped">Arcs that had been given before in the same direction.</param>
/// <param name="OneWayEdges">Edges given in one direction only; the other was added.</param>
/// <param name="IsolatedVertices">Vertices without neighbours.</param>
/// <param name="LargestDegree">Neighbours of the vertex that has most.</param>
public sealed record GraphSummary(
    int Vertices, long Edges, long ArcsGiven, long SelfLoopsDropped, long RepeatsDropped, long OneWayEdges, int IsolatedVertices, int LargestDegree)
{
    /// <summary>One line for a log.</summary>
    public override string ToString() =>
        Invariant($"{Vertices:N0} vertices, {Edges:N0} edges, largest degree {LargestDegree:N0}, {IsolatedVertices:N0} isolated; from {ArcsGiven:N0} arcs ")
        + Invariant($"without {SelfLoopsDropped:N0} self-loops and {RepeatsDropped:N0} repeats, {OneWayEdges:N0} edges given one way");
}
