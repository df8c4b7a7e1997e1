using MambaExt.Graph.DataSets;

namespace MambaExt.Graph.Tests.Support;

/// <summary>Share of the edges that join equal labels.</summary>
internal static class Homophily
{
    public static double Of(NodeDataSet data)
    {
        long same = 0;
        for (int v = 0; v < data.Graph.VertexCount; v++)
        {
            foreach (int w in data.Graph.Neighbours(v))
            {
                same += data.Labels[v] == data.Labels[w] && data.Labels[v] >= 0 ? 1 : 0;
            }
        }

        return (double)same / data.Graph.ArcCount;
    }
}
