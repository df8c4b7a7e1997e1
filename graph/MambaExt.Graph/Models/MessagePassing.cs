namespace MambaExt.Graph.Models;

/// <summary>The message-passing branch beside the scan.</summary>
public enum MessagePassing
{
    /// <summary>None.</summary>
    None,

    /// <summary>Graph convolution (Kipf and Welling, arXiv 1609.02907).</summary>
    Gcn,

    /// <summary>Mean of the neighbours beside the vertex itself (Hamilton et al., arXiv 1706.02216).</summary>
    Sage,

    /// <summary>Personalized propagation of a vertex-wise network (Gasteiger et al., arXiv 1810.05997).</summary>
    Appnp,
}
