import { StyleSheet, Text, View } from "react-native";
import Counter from "./Counter";

export default function App() {
  return (
    <View style={styles.page}>
      <Text role="heading" style={styles.title}>
        Welcome to Velocity Preview!
      </Text>
      <Text style={styles.lead}>This is a real dev server. Change a file and watch this page follow.</Text>
      <View style={styles.card}>
        <Text style={styles.cardTitle}>Counter</Text>
        <Counter />
      </View>
      <Text style={styles.lead}>Edit src/App.js and save.</Text>
    </View>
  );
}

const styles = StyleSheet.create({
  page: { flex: 1, width: "100%", maxWidth: 640, alignSelf: "center", padding: 24, gap: 16 },
  title: { fontSize: 28, fontWeight: "700", color: "#10201e" },
  lead: { fontSize: 16, color: "#52625f" },
  card: {
    gap: 12,
    padding: 20,
    borderWidth: 1,
    borderColor: "#dbe4e2",
    borderRadius: 12,
    alignItems: "flex-start",
  },
  cardTitle: { fontSize: 16, fontWeight: "600", color: "#10201e" },
});
