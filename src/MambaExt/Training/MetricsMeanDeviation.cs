namespace MambaExt.Training;

/// <summary>Mean and spread of repeated runs.</summary>
/// <param name="Mean">Arithmetic mean.</param>
/// <param name="Deviation">Sample deviation, divisor n - 1; null for a single value, which has none.</param>
public readonly record struct MeanDeviation(double Mean, double? Deviation);
