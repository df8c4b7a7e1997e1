namespace MambaExt.Graph.DataSets;

/// <summary>The score that a data set is judged by; it belongs to the data set, not to the run.</summary>
public enum NodeMetric
{
    /// <summary>Share of right classes.</summary>
    Accuracy,

    /// <summary>Area under the ROC curve of class 1 against class 0.</summary>
    RocAuc,
}
