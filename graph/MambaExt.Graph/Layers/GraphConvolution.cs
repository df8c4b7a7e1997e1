using MambaExt.Graph.Models;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>A layer that mixes the rows of neighbours, or of all vertices of a graph: [V, d_in] to [V, d_out], without activation, norm or
/// residual, which are the block's around it.</summary>
/// <param name="name">Of the module</param>
public abstract class GraphConvolution(string name) : nn.Module<GraphInputs, Tensor, Tensor>(name)
{
    /// <summary>As <c>forward</c>, with a state of the arcs that some layers read, or read and change.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="x">[V, d_in]</param>
    /// <param name="arcs">[2E, d_in] in the order of the graph's targets, or null where the data have none</param>
    /// <returns>[V, d_out], and the arcs for the next layer.</returns>
    public virtual (Tensor X, Tensor? Arcs) Forward(GraphInputs graph, Tensor x, Tensor? arcs) => (forward(graph, x), arcs);
}
