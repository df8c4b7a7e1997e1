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

    /// <summary>Graph attention (Velickovic et al., arXiv 1710.10903).</summary>
    Gat,

    /// <summary>GatedGCN (Bresson and Laurent, arXiv 1711.07553), which also reads edge features.</summary>
    GatedGcn,

    /// <summary>Graph isomorphism network (Xu et al., arXiv 1810.00826); GINE (Hu et al., arXiv 1905.12265) where there are edge features.</summary>
    Gin,
}
